"""Laws of a chain of images: what stays, what is built again, what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.images.tiers import Tier, TierImage, missing, plan

pytestmark = pytest.mark.property

FILES = st.dictionaries(
    st.sampled_from(["Dockerfile", "requirements.txt", "src/a.py"]),
    st.text("0123456789abcdef", min_size=16, max_size=16),
    min_size=1,
)
Chain = tuple[tuple[Tier, ...], dict[str, tuple[TierImage, ...]]]


def built(tiers: tuple[Tier, ...], base: str = "") -> dict[str, tuple[TierImage, ...]]:
    """Return the images as they are after all tiers were built."""
    images: dict[str, tuple[TierImage, ...]] = {}
    below = base
    for tier in tiers:
        image = TierImage(
            f"id of {tier.stack}", f"{tier.stack}:1", tier.fingerprint(below), tier.files, below
        )
        images[tier.stack] = (image,)
        below = image.id
    return images


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    count = draw(st.integers(1, 5))
    tiers = tuple(Tier(f"tier{number}", draw(FILES), {"--target": ""}) for number in range(count))
    return tiers, built(tiers)


def split(tiers: tuple[Tier, ...], there: dict[str, tuple[TierImage, ...]]) -> list[bool]:
    return [each.build for each in plan(tiers, there)]


@given(chains())
def test_nothing_changed_and_nothing_is_built(chain: Chain) -> None:
    tiers, there = chain
    assert not any(split(tiers, there))
    assert missing(plan(tiers, there)) == ()


@given(chains(), st.data())
def test_a_changed_file_builds_its_tier_and_all_after_it_and_none_before(
    chain: Chain, data: st.DataObject
) -> None:
    tiers, there = chain
    number = data.draw(st.integers(0, len(tiers) - 1))
    path = data.draw(st.sampled_from(sorted(tiers[number].files)))
    files = {**tiers[number].files, path: "f" * 15 + "x"}
    changed = (*tiers[:number], replace(tiers[number], files=files), *tiers[number + 1 :])
    assert split(changed, there) == [False] * number + [True] * (len(tiers) - number)
    decisions = plan(changed, there)
    assert decisions[number].reasons == (f"{path} changed",)
    for below, each in zip(decisions[number:], decisions[number + 1 :], strict=False):
        assert each.reasons == (f"{below.tier.stack} is built again",)


@given(chains(), st.data())
def test_a_missing_tier_is_named_and_built_with_all_after_it(chain: Chain, data: st.DataObject) -> None:
    tiers, there = chain
    gone = data.draw(st.sampled_from(tiers)).stack
    number = [tier.stack for tier in tiers].index(gone)
    left = {name: images for name, images in there.items() if name != gone}
    decisions = plan(tiers, left)
    assert [each.build for each in decisions] == [False] * number + [True] * (len(tiers) - number)
    assert missing(decisions) == (gone,)
    assert decisions[number].reasons == ("it is missing",)


@given(chains())
def test_an_engine_without_images_misses_every_tier(chain: Chain) -> None:
    tiers, _ = chain
    assert missing(plan(tiers, {})) == tuple(tier.stack for tier in tiers)


@given(chains(), st.data())
def test_building_what_the_plan_says_makes_the_next_plan_empty(chain: Chain, data: st.DataObject) -> None:
    tiers, there = chain
    changed = tuple(replace(tier, files=data.draw(FILES)) for tier in tiers)
    assert split(changed, there | built(changed)) == [False] * len(tiers)


@given(chains())
def test_another_image_under_a_tier_builds_it_again(chain: Chain) -> None:
    tiers, there = chain
    lowest = there[tiers[0].stack][0]
    moved = there | {tiers[0].stack: (replace(lowest, id="another id"),)}
    assert split(tiers, moved) == [False] + [True] * (len(tiers) - 1)
    if len(tiers) > 1:
        reasons = plan(tiers, moved)[1].reasons
        assert reasons == ("it was built on another image than the one there is now",)


@given(chains())
def test_the_newest_image_that_fits_is_used_although_a_newer_one_is_there(chain: Chain) -> None:
    tiers, there = chain
    newer = {name: (replace(one, fingerprint="other", id="newer"), one) for name, (one,) in there.items()}
    decisions = plan(tiers, newer)
    assert [each.image for each in decisions] == [there[tier.stack][0] for tier in tiers]


@given(chains())
def test_the_base_counts_for_the_lowest_tier(chain: Chain) -> None:
    tiers, there = chain
    assert [each.build for each in plan(tiers, there, "sha256:another base")] == [True] * len(tiers)
