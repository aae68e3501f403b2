//! What happened: outcomes, run events and the record folded from them. No I/O.
