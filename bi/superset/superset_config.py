"""A Superset that speaks Chinese and asks nobody: set SUPERSET_CONFIG_PATH to this file."""

from superset.config import TALISMAN_CONFIG as DELIVERED

LANGUAGES = {"zh": {"flag": "cn", "name": "中文"}, "en": {"flag": "us", "name": "English"}}
BABEL_DEFAULT_LOCALE = "zh"

# As delivered its pages load a counting pixel, maps and fonts from elsewhere.
OWN = ["'self'"]
TALISMAN_CONFIG = {
    **DELIVERED,
    "content_security_policy": {
        **DELIVERED["content_security_policy"],
        "img-src": [*OWN, "blob:", "data:"],
        "connect-src": OWN,
        "font-src": [*OWN, "data:"],
        "style-src": [*OWN, "'unsafe-inline'"],
    },
}
