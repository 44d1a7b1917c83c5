"""What Home Assistant is told so that a camera appears there by itself: MQTT device discovery. Pure.

Source: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload; its abbreviated keys.
"""

import json
import re
from importlib.metadata import version
from typing import Any, Final

from stream.mqtt_topics import Message, Topics

BIRTH: Final = b"online"
"""What Home Assistant says on its status topic when it has started and knows nothing."""

_VERSION: Final = version("livesal")
_URL: Final = "https://github.com/livesal/livesal"
_EVENTS: Final = ("new", "update", "end")
_STATES: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("saliency_area", "Salient area", "{{ (value_json.saliency_area * 100) | round(1) }}", {"unit_of_meas": "%"}),
    ("saliency_peak", "Saliency peak", "{{ value_json.saliency_peak | round(2) }}", {}),
    ("regions", "Salient regions", "{{ value_json.regions }}", {}),
)
_DIAGNOSTICS: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("fps", "Frame rate", "{{ value_json.fps | round(1) }}", {"unit_of_meas": "fps"}),
    (
        "frame_age",
        "Frame age",
        "{{ (value_json.frame_age * 1000) | round(0) }}",
        {"unit_of_meas": "ms", "dev_cla": "duration"},
    ),
    ("nr", "Non-overlapping ratio", "{{ value_json.nr | round(2) }}", {}),
    ("model_version", "Twin's version", "{{ value_json.model_version }}", {}),
)


def status_topic(prefix: str) -> str:
    """Return where Home Assistant says that it has started; `prefix` is its discovery prefix."""
    return f"{prefix}/status"


def discovery(prefix: str, topics: Topics, camera: str) -> Message:
    """Return the retained message that makes `camera` a device in Home Assistant.

    Args:
        prefix: Home Assistant's discovery prefix.
        topics: livesal's topic tree.
        camera: the camera's name.
    """
    payload = json.dumps(_device(topics, camera), separators=(",", ":")).encode()
    return Message(topic=_topic(prefix, topics, camera), payload=payload, retain=True)


def removal(prefix: str, topics: Topics, camera: str) -> Message:
    """Return the message that takes the device away again."""
    return Message(topic=_topic(prefix, topics, camera), payload=b"", retain=True, replaceable=False)


def _topic(prefix: str, topics: Topics, camera: str) -> str:
    return f"{prefix}/device/{_identity(topics, camera)}/config"


def _identity(topics: Topics, camera: str) -> str:
    """Return what no other camera, nor another livesal under its own prefix, has; of letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"{topics.prefix}_{camera}")


def _device(topics: Topics, camera: str) -> dict[str, Any]:
    identity = _identity(topics, camera)
    components = {
        f"{identity}_{key}": {
            "uniq_id": f"{identity}_{key}",
            "default_entity_id": f"{platform}.{identity}_{key}".lower(),
            "p": platform,
            "name": name,
            **own,
        }
        for key, platform, name, own in _components(topics, camera)
    }
    return {
        "dev": {"ids": [identity], "name": camera, "mf": "livesal", "mdl": "saliency camera", "sw": _VERSION},
        "o": {"name": "livesal", "sw": _VERSION, "url": _URL},
        "avty": [{"t": topics.available}, {"t": topics.of(camera, "available")}],
        "avty_mode": "all",
        "cmps": components,
    }


def _components(topics: Topics, camera: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return key, platform, name and own settings of each entity."""
    command = topics.of(camera, "adapt/set")
    state = topics.of(camera, "state")
    sensors = [
        (key, "sensor", name, {"stat_t": state, "val_tpl": template, "stat_cla": "measurement", **own, **group})
        for rows, group in ((_STATES, {}), (_DIAGNOSTICS, {"ent_cat": "diagnostic"}))
        for key, name, template, own in rows
    ]
    counters = [
        (
            key,
            "sensor",
            name,
            {
                "stat_t": state,
                "val_tpl": f"{{{{ value_json.{key} }}}}",
                "stat_cla": "total_increasing",
                "ent_cat": "diagnostic",
            },
        )
        for key, name in (("keyframes", "Keyframes"), ("retrainings", "Retrainings"), ("swaps", "Twins swapped in"))
    ]
    return [
        (
            "motion",
            "binary_sensor",
            "Motion",
            {"stat_t": topics.of(camera, "motion"), "dev_cla": "motion", "pl_on": "ON", "pl_off": "OFF"},
        ),
        *sensors,
        (
            "phase",
            "sensor",
            "Adaptation",
            {"stat_t": state, "val_tpl": "{{ value_json.phase }}", "ent_cat": "diagnostic"},
        ),
        *counters,
        ("snapshot", "image", "Snapshot", {"img_t": topics.of(camera, "snapshot"), "cont_type": "image/jpeg"}),
        (
            "adaptation",
            "switch",
            "Adaptation",
            {
                "stat_t": topics.of(camera, "adapt/state"),
                "cmd_t": command,
                "pl_on": "ON",
                "pl_off": "OFF",
                "ent_cat": "config",
            },
        ),
        ("reset", "button", "Reset to the original", {"cmd_t": command, "pl_prs": "RESET", "ent_cat": "config"}),
        ("force", "button", "Retrain now", {"cmd_t": command, "pl_prs": "FORCE", "ent_cat": "config"}),
        ("event", "event", "Salient region", {"stat_t": topics.of(camera, "event"), "evt_typ": list(_EVENTS)}),
    ]
