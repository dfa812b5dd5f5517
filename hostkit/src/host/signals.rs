//! The signals that stop a host.

/// One of the signals that mean stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signal {
    pub(super) number: i32,
    pub(super) name: &'static str,
}

impl Signal {
    /// Whether it says that the terminal is gone.
    pub(super) fn is_hangup(self) -> bool {
        self.number == 1
    }

    /// The code of a program that it has ended.
    pub(super) fn exit_code(self) -> u8 {
        u8::try_from(128 + self.number).unwrap_or(1)
    }
}

#[cfg(unix)]
mod platform {
    use std::io;

    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    use super::Signal;

    const STOPPING: [(Signal, fn() -> SignalKind); 4] = [
        (Signal { number: 2, name: "SIGINT" }, SignalKind::interrupt),
        (Signal { number: 15, name: "SIGTERM" }, SignalKind::terminate),
        (Signal { number: 3, name: "SIGQUIT" }, SignalKind::quit),
        (Signal { number: 1, name: "SIGHUP" }, SignalKind::hangup),
    ];

    /// The stream of stopping signals.
    #[derive(Debug)]
    pub(in crate::host) struct Signals(Vec<(Signal, Stream)>);

    impl Signals {
        /// Has to be called in the context of the runtime whose driver hears them.
        pub(in crate::host) fn install() -> io::Result<Self> {
            STOPPING.iter().map(|(name, kind)| Ok((*name, signal(kind())?))).collect::<io::Result<_>>().map(Self)
        }

        /// The next signal. Cancelling loses none.
        pub(in crate::host) async fn next(&mut self) -> Signal {
            std::future::poll_fn(|cx| {
                for (name, stream) in &mut self.0 {
                    if stream.poll_recv(cx).is_ready() {
                        return std::task::Poll::Ready(*name);
                    }
                }
                std::task::Poll::Pending
            })
            .await
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::io;

    use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlShutdown, ctrl_break, ctrl_c, ctrl_shutdown};

    use super::Signal;

    /// The stream of stopping events.
    #[derive(Debug)]
    pub(in crate::host) struct Signals(CtrlC, CtrlBreak, CtrlShutdown);

    impl Signals {
        /// Has to be called in the context of the runtime whose driver hears them.
        pub(in crate::host) fn install() -> io::Result<Self> {
            Ok(Self(ctrl_c()?, ctrl_break()?, ctrl_shutdown()?))
        }

        /// The next event. Cancelling loses none.
        pub(in crate::host) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.0.recv() => Signal { number: 2, name: "Ctrl-C" },
                _ = self.1.recv() => Signal { number: 3, name: "Ctrl-Break" },
                _ = self.2.recv() => Signal { number: 15, name: "shutdown" },
            }
        }
    }
}

pub(super) use platform::Signals;
