from stream.rtp_clock import RtpClock


def test_pictures_keep_the_distances_of_their_media_times() -> None:
    clock = RtpClock()
    stamps = [
        clock.stamp(10 + number / 30, 100 + number / 30 + jitter) for number, jitter in enumerate((0, 0.02, 0.01))
    ]
    assert stamps == [0, 3000, 6000]


def test_a_loop_back_in_media_time_is_anchored_at_the_clock() -> None:
    clock = RtpClock()
    assert clock.stamp(20.0, 5.0) == 0
    assert clock.stamp(0.0, 5.5) == 45_000
    assert clock.stamp(0.1, 5.6) == 54_000


def test_a_slow_source_never_falls_behind_by_more_than_half_a_second() -> None:
    clock = RtpClock()
    for number in range(100):
        now = number / 10
        assert abs(clock.stamp(number / 30, now) / 90_000 - now) <= 0.5


def test_stamps_rise_even_when_media_time_stands_still() -> None:
    clock = RtpClock()
    assert [clock.stamp(1.0, 0.0), clock.stamp(1.0, 0.0), clock.stamp(0.99, 0.0)] == [0, 1, 2]


def test_a_card_is_stamped_by_the_clock() -> None:
    clock = RtpClock()
    clock.stamp(7.0, 1.0)
    assert clock.stamp(None, 3.0) == 180_000
