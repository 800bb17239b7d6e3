//! A leg under way: is it bad now, and how bad was it at its worst?

use super::Rating;
use crate::media::event::Way;
use crate::media::limits::{BETTER, POOR};

/// Both directions of a leg.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    heard: Watched,
    told: Watched,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    poor: bool,
    worst: Option<Rating>,
}

impl Watch {
    /// Takes the rating of an interval. `Some` if it crosses a threshold: whether the direction is poor from now on.
    pub fn note(&mut self, way: Way, rating: Rating) -> Option<bool> {
        let watched = match way {
            Way::Heard => &mut self.heard,
            Way::Told => &mut self.told,
        };
        watched.worst = Some(watched.worst.map_or(rating, |worst| worst.min(rating)));
        let poor = if watched.poor { rating.r() < BETTER } else { rating.r() < POOR };
        (std::mem::replace(&mut watched.poor, poor) != poor).then_some(poor)
    }

    /// The worst interval.
    pub fn worst(&self, way: Way) -> Option<Rating> {
        match way {
            Way::Heard => self.heard.worst,
            Way::Told => self.told.worst,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_is_told_once_each_way_and_not_for_trembling_in_between() {
        let mut watch = Watch::default();
        let told: Vec<_> = [90.0, 69.9, 50.0, 72.0, 74.9, 75.0, 70.0, 71.0, 60.0]
            .map(|r| watch.note(Way::Heard, Rating::of(r)))
            .into();
        let (poor, better) = (Some(true), Some(false));
        assert_eq!(told, [None, poor, None, None, None, better, None, None, poor]);
        assert_eq!(watch.worst(Way::Heard), Some(Rating::of(50.0)));
        assert_eq!(watch.worst(Way::Told), None, "the other direction is another matter");
    }
}
