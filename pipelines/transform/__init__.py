"""dbt under Dagster: parse, build in this process, versions of rules and code."""
