"""The API describes itself, completely and without a doubt."""

import pytest
import yaml
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema


@pytest.fixture(scope="module")
def schema():
    GENERATOR_STATS.reset()
    return SchemaGenerator(urlconf="engagement.api.urls").get_schema(request=None, public=True)


def test_the_schema_is_valid_and_made_without_a_warning(schema):
    validate_schema(schema)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


@pytest.mark.parametrize(
    "path",
    [
        "/events/",
        "/consent/",
        "/recommendations/{placement}/",
        "/shelves/{placement}/",
        "/promotions/{placement}/",
        "/promotions/{placement}/card/",
        "/health/live/",
        "/health/ready/",
    ],
)
def test_every_resource_is_described(schema, path):
    for operation in schema["paths"][path].values():
        assert operation["operationId"]
        assert operation["responses"]


def test_every_parameter_is_explained(schema):
    parameters = schema["paths"]["/recommendations/{placement}/"]["get"]["parameters"]

    names = {parameter["name"] for parameter in parameters}
    assert {"placement", "n", "item", "cart", "exclude", "category", "explain"} <= names
    assert all(parameter.get("description") for parameter in parameters)


def test_it_is_served_with_the_address_it_is_mounted_at(client, db):
    response = client.get("/engagement/schema/")

    served = yaml.safe_load(response.content)
    assert response.status_code == 200
    assert served["info"]["title"] == "Engagement"
    assert served["servers"] == [{"url": "/engagement"}]
    assert "/recommendations/{placement}/" in served["paths"]


def test_what_is_answered_is_what_is_described(schema, client, db):
    described = schema["components"]["schemas"]["Shelf"]["properties"]

    answer = client.get("/engagement/recommendations/home.trending/").json()

    assert set(answer) == set(described)
