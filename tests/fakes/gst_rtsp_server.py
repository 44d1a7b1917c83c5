"""A real RTSP server, run by the system's own Python (GStreamer's bindings live there, not in our environment).

It prints `ready PORT` once it listens. Usage: gst_rtsp_server.py PORT PATH PIPELINE [USER PASSWORD]
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - after the versions were chosen


def main(port: str, path: str, pipeline: str, user: str = "", password: str = "") -> None:
    """Serve `pipeline` at rtsp://127.0.0.1:`port``path` until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {pipeline} )")
    factory.set_shared(True)
    if user:
        _require_login(server, factory, user, password)
    server.get_mount_points().add_factory(path, factory)
    if not server.attach(None):
        sys.exit(f"port {port} is taken")
    print("ready", server.get_bound_port(), flush=True)  # noqa: T201 - read by who started it
    GLib.MainLoop().run()


def _require_login(server: object, factory: object, user: str, password: str) -> None:
    login = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    login.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(login)
    factory.add_role_from_structure(
        Gst.Structure.new_from_string("viewer,media.factory.access=true,media.factory.construct=true")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
