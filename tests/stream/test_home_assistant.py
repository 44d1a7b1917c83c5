"""Discovery against the keys that Home Assistant publishes, abbreviations included."""

import json
from typing import Any

import pytest

from stream.home_assistant import discovery, removal
from stream.mqtt_topics import Topics, entity_message
from tests.fakes.mqtt_events import region_event

TOPICS = Topics("house/livesal")

# https://www.home-assistant.io/integrations/mqtt/ and the pages of each platform, read in November 2026:
# required keys, and those of the optional ones that livesal uses.
COMMON = {"p", "uniq_id", "default_entity_id", "name", "ent_cat"}
PLATFORMS: dict[str, tuple[set[str], set[str]]] = {
    "binary_sensor": ({"stat_t"}, {"dev_cla", "pl_on", "pl_off"}),
    "sensor": ({"stat_t"}, {"val_tpl", "stat_cla", "unit_of_meas", "dev_cla"}),
    "image": ({"img_t"}, {"cont_type"}),
    "switch": ({"cmd_t"}, {"stat_t", "pl_on", "pl_off"}),
    "button": ({"cmd_t"}, {"pl_prs"}),
    "event": ({"stat_t", "evt_typ"}, set()),
}


@pytest.fixture
def device() -> dict[str, Any]:
    message = discovery("homeassistant", TOPICS, "front door")
    assert message.topic == "homeassistant/device/house_livesal_front_door/config"
    assert message.retain
    content: dict[str, Any] = json.loads(message.payload)
    return content


def test_a_device_has_what_home_assistant_requires(device: dict[str, Any]) -> None:
    assert set(device) == {"dev", "o", "avty", "avty_mode", "cmps"}
    assert device["dev"]["ids"] == ["house_livesal_front_door"]
    assert device["o"]["name"] == "livesal"
    assert device["avty_mode"] == "all"
    assert [entry["t"] for entry in device["avty"]] == ["house/livesal/available", "house/livesal/front door/available"]


def test_every_entity_has_its_platforms_keys_and_no_others(device: dict[str, Any]) -> None:
    seen = set()
    for key, entity in device["cmps"].items():
        required, optional = PLATFORMS[entity["p"]]
        assert required <= set(entity) <= required | optional | COMMON, key
        assert entity["default_entity_id"].startswith(f"{entity['p']}.")
        seen.add(entity["p"])
    assert seen == set(PLATFORMS)
    identifiers = [entity["uniq_id"] for entity in device["cmps"].values()]
    assert len(identifiers) == len(set(identifiers))


def test_switch_and_buttons_speak_the_command_topic(device: dict[str, Any]) -> None:
    commands = {
        entity.get("pl_prs", entity.get("pl_on"))
        for entity in device["cmps"].values()
        if entity.get("cmd_t") == "house/livesal/front door/adapt/set"
    }
    assert commands == {"ON", "RESET", "FORCE"}


def test_an_event_names_its_type_and_is_not_retained() -> None:
    message = entity_message(TOPICS, region_event("new"))
    assert message.topic == "house/livesal/front/event"
    assert not message.retain
    assert json.loads(message.payload)["event_type"] == "new"


def test_a_device_is_taken_away_by_an_empty_retained_message() -> None:
    message = removal("homeassistant", TOPICS, "front door")
    assert (message.payload, message.retain) == (b"", True)
    assert message.topic == discovery("homeassistant", TOPICS, "front door").topic
