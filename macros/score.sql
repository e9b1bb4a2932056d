{# Share of an indicator's weight that z earns between its anchors z_floor, z_average and z_excellent; NULL where they are not
   in order. Both scores rise the same way: average_fraction at the average, everything from excellent on. #}
{% macro anchored_fraction() -%}
        case
            when z is null or not coalesce(z_floor < z_average and z_average < z_excellent, false) then null
            when z <= z_floor then 0.0
            when z <= z_average then average_fraction * (z - z_floor) / nullif(z_average - z_floor, 0)
            when z < z_excellent
                then average_fraction + (1 - average_fraction) * (z - z_average) / nullif(z_excellent - z_average, 0)
            else 1.0
        end
{%- endmacro %}
