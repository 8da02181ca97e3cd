//! Messages that are lost: rows are gone on with, or end visibly.
