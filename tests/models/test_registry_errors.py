import pytest

from models.errors import UnknownModelError
from models.registry import flow_entry, flow_names, register_flow, register_saliency, saliency_entry, saliency_names


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match="no saliency network is named 'u3-net'") as caught:
        saliency_entry("u3-net")
    assert "livesal-colour" in str(caught.value)
    with pytest.raises(UnknownModelError, match="no flow method is named 'warp'") as caught:
        flow_entry("warp")
    assert "dis" in str(caught.value)


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered already"):
        register_saliency(saliency_entry("livesal-colour"))
    with pytest.raises(ValueError, match="registered already"):
        register_flow(flow_entry("dis"))


def test_names_are_sorted() -> None:
    assert list(saliency_names()) == sorted(saliency_names())
    assert list(flow_names()) == sorted(flow_names())
