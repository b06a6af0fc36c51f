//! The proxy, over both networks: every program runs in the sim and on real sockets and must come to the same
//! outcome. Times and evidence are exact in the sim, and asserted only there.

mod door;
mod ends;
mod flows;
mod life;
mod order;
mod path;
