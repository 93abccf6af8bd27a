"""Section [observation] of the parameters: how a clinic or a laboratory would look at the simulated bone."""

from __future__ import annotations

from typing import NamedTuple


class ObservationParameters(NamedTuple):
    """Section [observation].

    dxa_factor              : DXA-like change over vBMD change, one for all
    marker_d                : days over which turnover markers are averaged
    label_d, label_gap_d, label_wait_d : days of each tetracycline course, free days between, days until the biopsy
    least_label_um, least_osteoid_um   : smallest label and osteoid seam that are seen
    hydroxyapatite_g_per_cm3, soft_g_per_cm3, calcium_share, bin_wt_percent : mineral distribution
    change_um               : depth from which surface has formed or been resorbed between two biopsies
    """

    dxa_factor: float
    marker_d: int
    label_d: int
    label_gap_d: int
    label_wait_d: int
    least_label_um: float
    least_osteoid_um: float
    hydroxyapatite_g_per_cm3: float
    soft_g_per_cm3: float
    calcium_share: float
    bin_wt_percent: float
    change_um: float

    @property
    def label_interval_d(self) -> int:
        """Days between the middles of the two labels."""
        return self.label_d + self.label_gap_d

    def front_days(self, lag_d: float) -> tuple[int, int, int, int]:
        """Days before the biopsy at which osteoid is laid that mineralizes when a course begins or ends.

        (begin, end of the first course, begin, end of the second): what is laid mineralizes after the lag
        """
        end = self.label_wait_d + round(lag_d)
        between = end + self.label_d + self.label_gap_d
        return between + self.label_d, between, end + self.label_d, end
