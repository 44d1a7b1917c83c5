"""Settings of what leaves livesal: HTTP, WebRTC, MQTT."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from configs.base import Section
from configs.events import EventFormat
from configs.webrtc import Codec, IceServerSettings, PushSettings


class HttpSettings(Section):
    """The HTTP server: preview page, WHEP, API, metrics."""

    host: str = "127.0.0.1"
    """Address to listen on; one that others can reach needs `tokens` or `insecure`."""
    port: int = Field(default=8080, ge=0, le=65535, description="0 takes a free port")
    tokens: tuple[Annotated[SecretStr, Field(min_length=8)], ...] = ()
    """Bearer tokens, any of which lets in; best written as ${LIVESAL_TOKEN} and set in the environment."""
    insecure: bool = False
    """Let everybody in who reaches the address, without a token."""
    certificate: Path | None = None
    """PEM file of the server's certificate chain: HTTPS instead of HTTP; with `key`."""
    key: Path | None = None
    """PEM file of its key."""
    rate_limit: float = Field(default=20.0, gt=0, description="Most changes (POST, PATCH, …) a second and address")
    maximum_streams: int = Field(default=16, ge=1, description="MJPEG streams over all views; one more gets 503")

    @model_validator(mode="after")
    def _guarded(self) -> "HttpSettings":
        if (self.certificate is None) != (self.key is None):
            message = "http.certificate and http.key belong together: set both or neither"
            raise ValueError(message)
        if not (self.tokens or self.insecure or _is_loopback(self.host)):
            message = (
                f"http.host is {self.host}, which others can reach: set http.tokens, or say --insecure "
                "(http.insecure) to let everybody see and steer the cameras"
            )
            raise ValueError(message)
        return self


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class EncodingSettings(Section):
    """The encoder of a view; one runs per view and codec in use, whatever the number of viewers."""

    width: int = Field(default=640, ge=64, le=3840, description="Pixels; the height follows the aspect")
    frame_rate: float | None = Field(
        default=None, ge=1, le=120, description="Most pictures a second, others are left out evenly; null takes all"
    )
    bitrate: int = Field(default=1_500_000, ge=50_000, description="Bits per second")
    keyframe_interval: float = Field(default=4.0, gt=0, description="Longest seconds between two encoder keyframes")
    idle: float = Field(default=5.0, ge=0, description="Seconds that an encoder runs on after its last viewer left")

    def over(self, base: "EncodingSettings") -> "EncodingSettings":
        """Return `base` with what is set here."""
        return base.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


class WebRtcSettings(Section):
    """WHEP viewers, and views that are pushed to an SFU."""

    maximum_viewers: int = Field(default=16, ge=1, description="Over all views; one more gets 503")
    codecs: tuple[Codec, ...] = Field(
        default=("h264", "vp8"), min_length=1, description="Those in use; a viewer gets the first that it plays"
    )
    ice_servers: tuple[IceServerSettings, ...] = ()
    """STUN and TURN servers; none by default, so nothing is asked outside."""
    advertised_hosts: tuple[IPv4Address | IPv6Address, ...] = ()
    """Addresses under which viewers reach this machine's UDP ports unchanged, such as a 1:1 NAT's outer one."""
    encoding: EncodingSettings = EncodingSettings()
    push: tuple[PushSettings, ...] = ()
    """Views that are sent to an SFU by WHIP for as long as livesal runs."""

    @field_validator("codecs")
    @classmethod
    def _different(cls, codecs: tuple[Codec, ...]) -> tuple[Codec, ...]:
        if len(set(codecs)) != len(codecs):
            message = "names a codec twice"
            raise ValueError(message)
        return codecs


class MqttSettings(Section):
    """The MQTT connection; no host means no MQTT."""

    host: str | None = None
    """Address of the broker."""
    port: int = Field(default=1883, ge=1, le=65535, description="Port of the broker")
    username: str | None = None
    """User name that the broker asks for."""
    password: SecretStr | None = None
    """Its password; best written as ${MQTT_PASSWORD} and set in the environment."""
    client_id: str | None = None
    """By default livesal- and a random suffix."""
    tls: bool = False
    """Encrypt the connection; the broker's certificate is checked against the system's, or against `ca`."""
    ca: Path | None = None
    """PEM file of the authority that signed the broker's certificate; it implies `tls`."""
    certificate: Path | None = None
    """PEM file of livesal's own certificate, where the broker asks for one; with `key`."""
    key: Path | None = None
    """PEM file of that certificate's key."""
    insecure: bool = False
    """Take any certificate, whoever the broker is: for a test only."""
    prefix: str = Field(default="livesal", pattern=r"^[^#+\s/][^#+\s]*$", description="First part of every topic")
    discovery: str | None = Field(
        default="homeassistant",
        pattern=r"^[^#+\s/][^#+\s]*$",
        description="Home Assistant's discovery prefix; null tells it of no camera",
    )
    state_interval: float = Field(default=1.0, gt=0, description="Least seconds between two states of a camera")
    snapshot_interval: float = Field(default=5.0, gt=0, description="Least seconds between two snapshots of a camera")
    motion_hold: float = Field(
        default=30.0, ge=0, description="Seconds without a salient region after which motion is OFF"
    )
    format: EventFormat = "native"
    """How events of regions and of the adaptation are written: livesal's own JSON, or CloudEvents 1.0 around it."""
    outbox: int = Field(default=1000, ge=10, description="Messages kept while the broker is away")

    @model_validator(mode="after")
    def _pair(self) -> "MqttSettings":
        if (self.certificate is None) != (self.key is None):
            message = "mqtt.certificate and mqtt.key belong together: set both or neither"
            raise ValueError(message)
        return self

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.tls or self.insecure or self.ca is not None or self.certificate is not None


class LogSettings(Section):
    """The log."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    """Least level that is written; `--verbose` writes INFO as well."""
    format: Literal["text", "json"] = "text"
    """One line of text, or one JSON object, for every record; JSON takes the place of `serve`'s own lines as well."""
