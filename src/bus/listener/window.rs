//! How far the main queue is read ahead: as far as asked for, less while bodies are large or
//! siblings want their share.
//!
//! lapin takes whatever the broker sends, so the broker's prefetch is the only brake, and a
//! prefetch counts messages, not bytes. It also counts anew for every consumer: what an earlier
//! one left unsettled has to be taken off here. So a burst of large bodies after small ones may
//! pass the byte bound once, by what the open window lets through.

use crate::bus::held::Held;

/// Bodies that one backend holds unsettled, unless told otherwise: 64 MiB.
const DEFAULT_BYTES: u64 = 64 << 20;
/// Size of a body, bytes, until the first has come: several times that of the largest request
/// of a usual cloud.
const ASSUMED: u64 = 64 << 10;
/// What siblings leave each other: this many times the execution slots.
const SHARE: usize = 4;

/// How much a listener may hold unsettled. Of a quorum queue it holds `messages`, whatever their
/// size and whoever else consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAhead {
    /// Messages of the main queue, when nobody else consumes it.
    pub messages: u16,
    /// How many commands run at once: with siblings on the main queue, four times as many
    /// messages are held at most.
    pub slots: usize,
    /// Bytes of bodies, over all queues. One message is taken always, whatever its size.
    pub bytes: u64,
}

impl ReadAhead {
    /// This many messages for this many slots, and bodies of 64 MiB.
    pub fn new(messages: u16, slots: usize) -> Self {
        Self {
            messages,
            slots,
            bytes: DEFAULT_BYTES,
        }
    }
}

/// The window of the main queue's consumer.
#[derive(Debug)]
pub(super) struct Window {
    limits: ReadAhead,
    /// It cannot be changed: a quorum queue counts a cancelled consumer as one until its last
    /// message is settled, which looks like a sibling, and hands out again what was on its way.
    fixed: bool,
    /// Size of a large body among the latest ones, bytes.
    typical: Option<u64>,
    /// Others consume the main queue too.
    crowded: bool,
    current: u16,
}

impl Window {
    pub(super) fn new(limits: ReadAhead, fixed: bool) -> Self {
        Self {
            limits,
            fixed,
            typical: None,
            crowded: false,
            current: 0,
        }
    }

    /// The window to begin a session with.
    pub(super) fn first(&mut self, held: Held) -> u16 {
        self.current = match self.fixed {
            true => self.limits.messages.max(1),
            false => self.room(held),
        };
        self.current
    }

    /// A body of this many bytes has come. Follows larger bodies at once and smaller ones
    /// slowly: the next burst may be of either kind.
    pub(super) fn saw(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.typical = Some(match self.typical {
            None => bytes,
            Some(typical) if bytes > typical => typical.midpoint(bytes),
            Some(typical) => typical - (typical - bytes).div_ceil(16),
        });
    }

    /// The broker counts this many consumers on the main queue, ours included.
    pub(super) fn crowd(&mut self, consumers: u32) {
        self.crowded = consumers > 1;
    }

    /// The window to consume with from now on, if it is worth a new consumer. Ask again after
    /// each change: it closes down to one first, because what is on its way here is not known
    /// before the former consumer has ended.
    pub(super) fn change(&mut self, held: Held) -> Option<u16> {
        if self.fixed {
            return None;
        }
        let room = self.room(held);
        let (now, cap) = (self.current, self.cap());
        let full = u64::from(now) * self.typical.unwrap_or(0);
        let bytes = self.limits.bytes;
        let too_wide =
            u64::from(now) > cap || held.bytes > bytes || full > bytes.saturating_mul(3) / 2;
        let wider = room / 2 >= now || u64::from(room) == cap;
        let calm = held.bytes <= bytes / 4 * 3;
        let next = match () {
            () if too_wide && now > 1 => 1,
            () if calm && wider && room > now => room,
            () => return None,
        };
        self.current = next;
        Some(next)
    }

    /// Messages at most, whatever their size.
    fn cap(&self) -> u64 {
        let full = u64::from(self.limits.messages.max(1));
        let share = self.limits.slots.saturating_mul(SHARE).max(1) as u64;
        if self.crowded { full.min(share) } else { full }
    }

    /// What a new consumer may take beside what is held, so that neither bound is passed.
    fn room(&self, held: Held) -> u16 {
        let typical = self.typical.unwrap_or(ASSUMED).max(1);
        let fitting = self.limits.bytes.saturating_sub(held.bytes) / typical;
        let messages = self.cap().saturating_sub(held.messages);
        u16::try_from(fitting.min(messages).max(1)).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn window(messages: u16, slots: usize, bytes: u64) -> Window {
        let limits = ReadAhead {
            messages,
            slots,
            bytes,
        };
        Window::new(limits, false)
    }

    fn held(messages: u64, bytes: u64) -> Held {
        Held { messages, bytes }
    }

    #[test]
    fn usual_bodies_leave_it_as_it_is() {
        let mut window = window(1024, 64, 64 * MIB);
        assert_eq!(window.first(held(0, 0)), 1024);
        assert_eq!(window.change(held(0, 0)), None);
        window.saw(3000);
        assert_eq!(window.change(held(1, 3000)), None);
        // a new session leaves room for what is held, and takes it when that is settled
        assert_eq!(window.first(held(16, 48_000)), 1008);
        assert_eq!(window.change(held(16, 48_000)), None);
        assert_eq!(window.change(held(0, 0)), Some(1024));
        assert_eq!(window.change(held(0, 0)), None);
    }

    #[test]
    fn a_small_bound_assumes_bodies_of_64_kib_until_one_has_come() {
        let mut window = window(1024, 64, MIB);
        assert_eq!(window.first(held(0, 0)), 16);
        assert_eq!(window.change(held(0, 0)), None);
        window.saw(1000);
        assert_eq!(window.change(held(1, 1000)), Some(1023));
    }

    #[test]
    fn large_bodies_close_it_before_the_bound_and_small_ones_open_it() {
        let mut window = window(1024, 64, 64 * MIB);
        window.saw(3000);
        assert_eq!(window.first(held(0, 0)), 1024);
        window.saw(MIB as usize);
        assert_eq!(window.change(held(1, MIB)), Some(1));
        assert_eq!(window.change(held(1, MIB)), Some(125));
        window.saw(MIB as usize);
        assert_eq!(window.change(held(2, 2 * MIB)), None);
        window.saw(MIB as usize);
        assert_eq!(window.change(held(3, 3 * MIB)), Some(1));
        assert_eq!(window.change(held(3, 3 * MIB)), Some(69));
        // small ones come again, and the large one is settled
        let mut widest = 69;
        for _ in 0..200 {
            window.saw(3000);
            if let Some(wider) = window.change(held(0, 0)) {
                assert!(wider >= 2 * widest || wider == 1024);
                widest = wider;
            }
        }
        assert_eq!(widest, 1024);
    }

    #[test]
    fn beyond_the_bound_one_message_is_taken_and_more_when_it_is_well_below() {
        let mut window = window(100, 64, 16 * MIB);
        window.saw(MIB as usize);
        assert_eq!(window.first(held(0, 0)), 16);
        assert_eq!(window.change(held(17, 17 * MIB)), Some(1));
        assert_eq!(window.change(held(18, 18 * MIB)), None);
        assert_eq!(window.change(held(13, 13 * MIB)), None);
        assert_eq!(window.change(held(12, 12 * MIB)), Some(4));
        assert_eq!(window.change(held(9, 9 * MIB)), None);
        assert_eq!(window.change(held(8, 8 * MIB)), Some(8));
        assert_eq!(window.change(held(0, 0)), Some(16));
    }

    #[test]
    fn siblings_get_their_share_and_leave_it_when_they_go() {
        let mut window = window(100, 2, 16 * MIB);
        window.saw(1000);
        assert_eq!(window.first(held(0, 0)), 100);
        window.crowd(2);
        assert_eq!(window.change(held(0, 0)), Some(1));
        assert_eq!(window.change(held(0, 0)), Some(8));
        assert_eq!(window.change(held(0, 0)), None);
        window.crowd(1);
        assert_eq!(window.change(held(4, 4000)), Some(96));
        window.crowd(3);
        assert_eq!(window.change(held(100, 100_000)), Some(1));
        assert_eq!(window.change(held(7, 7000)), None);
        assert_eq!(window.change(held(4, 4000)), Some(4));
    }

    #[test]
    fn there_is_always_a_window() {
        let mut window = window(0, 0, 0);
        assert_eq!(window.first(held(0, 0)), 1);
        window.saw(0);
        window.crowd(2);
        assert_eq!(window.change(held(5, 5)), None);
    }
}
