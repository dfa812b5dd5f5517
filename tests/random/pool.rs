//! The functions and components of which random hosts are made. What each does is up to the host's script; what it takes
//! and what it is after stands here and, as data, in [`plan::POOL`](crate::plan::POOL).

use std::sync::Arc;

use hostkit::{CancellationToken, Ext, HostBuilder, HostLifetime, Instance, Outcome, Queue, Ready};

use crate::script::{Part, Script};

macro_rules! component {
    ($attribute:ident $name:ident { $($field:ident: $of:ty),* }) => {
        pub(crate) struct $name {
            pub(crate) part: Part,
            script: Ext<Script>,
            $($field: Arc<$of>,)*
        }

        #[hostkit::$attribute]
        impl $name {
            async fn new(script: Ext<Script>, life: HostLifetime $(, $field: Arc<$of>)*) -> Result<Self, String> {
                script.meet(&life);
                let part = script.construct(stringify!($name)).await?;
                Ok(Self { part, script $(, $field)* })
            }

            async fn dispose(self, outcome: Outcome) -> Result<(), String> {
                let Self { part, script $(, $field)* } = self;
                $(drop($field);)*
                script.dispose(part, outcome).await
            }
        }
    };
}

component!(singleton S0 {});
component!(singleton S1 { zero: S0 });
component!(singleton S2 {});
component!(singleton S3 { one: S1, two: S2 });
component!(scoped Inner { zero: S0 });
component!(scoped Outer { inner: Inner });

macro_rules! background {
    ($name:ident after [$($after:ident),*] ready $($of:ty)?) => {
        #[hostkit::background_service(after = [$($after),*])]
        async fn $name(
            script: Ext<Script>,
            life: HostLifetime,
            me: Instance,
            ready: Ready,
            stop: CancellationToken,
            $(reached: Arc<$of>)?
        ) -> Result<(), String> {
            $(drop::<Arc<$of>>(reached);)?
            script.meet(&life);
            script.background(stringify!($name), me.index(), Some(ready), Some(stop), None).await
        }
    };
    ($name:ident after [$($after:ident),*] told $($of:ty)?) => {
        #[hostkit::background_service(after = [$($after),*])]
        async fn $name(
            script: Ext<Script>,
            life: HostLifetime,
            me: Instance,
            stop: CancellationToken,
            $(reached: Arc<$of>)?
        ) -> Result<(), String> {
            $(drop::<Arc<$of>>(reached);)?
            script.meet(&life);
            script.background(stringify!($name), me.index(), None, Some(stop), None).await
        }
    };
    ($name:ident after [$($after:ident),*] untold) => {
        #[hostkit::background_service(after = [$($after),*])]
        async fn $name(script: Ext<Script>, life: HostLifetime, me: Instance) -> Result<(), String> {
            script.meet(&life);
            script.background(stringify!($name), me.index(), None, None, None).await
        }
    };
    ($name:ident after [$($after:ident),*] feeds $queue:ident) => {
        #[hostkit::background_service(after = [$($after),*])]
        async fn $name(
            script: Ext<Script>,
            life: HostLifetime,
            queue: Queue<$queue>,
            stop: CancellationToken,
        ) -> Result<(), String> {
            script.meet(&life);
            let put = |item| queue.try_enqueue(item).map(drop).map_err(|error| error.is_closed());
            script.feed(stringify!($name), stringify!($queue), put, stop).await
        }
    };
}

background!(b0 after [] ready);
background!(c0 after [] told);
background!(u0 after [] untold);
background!(b1 after [b0] ready S0);
background!(c1 after [b0, c0] told);
background!(b2 after [q0] ready);
background!(u1 after [b1, p0] untold);
background!(n0 after [c0] feeds q0);
background!(n1 after [] feeds q1);
background!(b3 after [c1, u0] ready S3);
background!(b4 after [b2, q1, c1] ready);
background!(c2 after [p1] told S1);
background!(n2 after [b0] feeds q2);
background!(b5 after [b4, b3, w0] ready);
background!(u2 after [b5] untold);
background!(c3 after [u1, q2] told);

#[hostkit::background_service(after = [b0], scope = "whole-run")]
async fn w0(script: Ext<Script>, outer: &Outer, stop: CancellationToken) -> Result<(), String> {
    script.background("w0", 0, None, Some(stop), Some(outer.part)).await
}

#[hostkit::background_service(after = [w0, q2], scope = "whole-run")]
async fn w1(script: Ext<Script>, outer: &Outer) -> Result<(), String> {
    script.background("w1", 0, None, None, Some(outer.part)).await
}

#[hostkit::periodic(every = "1s")]
async fn p0(script: Ext<Script>, outer: &Outer, stop: CancellationToken) -> Result<(), String> {
    script.run("p0", Some(stop), Some(outer.part)).await
}

#[hostkit::periodic(every = "1s", after = [b1, q0])]
async fn p1(script: Ext<Script>, two: &S2) -> Result<(), String> {
    let _ = two;
    script.run("p1", None, None).await
}

#[hostkit::periodic(every = "1s", after = [q1])]
async fn p2(script: Ext<Script>, stop: CancellationToken) -> Result<(), String> {
    script.run("p2", Some(stop), None).await
}

#[hostkit::queued]
async fn q0(item: u64, script: Ext<Script>, outer: &Outer, stop: CancellationToken) -> Result<(), String> {
    let _ = item;
    script.run("q0", Some(stop), Some(outer.part)).await
}

#[hostkit::queued(after = [b0])]
async fn q1(item: u64, script: Ext<Script>) -> Result<(), String> {
    let _ = item;
    script.run("q1", None, None).await
}

#[hostkit::queued(after = [b3, q0])]
async fn q2(item: u64, script: Ext<Script>, stop: CancellationToken) -> Result<(), String> {
    let _ = item;
    script.run("q2", Some(stop), None).await
}

/// In every host, so that the script knows its life from the start.
#[hostkit::on_start]
async fn meet(script: Ext<Script>, life: HostLifetime) -> Result<(), String> {
    script.meet(&life);
    script.hook("meet").await
}

macro_rules! hook {
    ($attribute:ident $name:ident after [$($after:ident),*] $($reached:ty)?) => {
        #[hostkit::$attribute(after = [$($after),*])]
        async fn $name(script: Ext<Script>, life: HostLifetime, $(reached: &$reached)?) -> Result<(), String> {
            script.meet(&life);
            $(let _: &$reached = reached;)?
            script.hook(stringify!($name)).await
        }
    };
}

hook!(on_start hs0 after [meet] S2);
hook!(on_start hs1 after [hs2]);
hook!(on_start hs2 after [meet]);
hook!(on_started ht0 after []);
hook!(on_started ht1 after [ht0, b0]);
hook!(on_stopping hp0 after [hp1]);
hook!(on_stopping hp1 after []);
hook!(on_stopped hd0 after [q0]);
hook!(on_stopped hd1 after [hd0]);

macro_rules! included {
    ($builder:ident, $script:ident: $($name:ident)*) => {
        $(if $script.plan().service(stringify!($name)).is_some() || $script.plan().hook(stringify!($name)).is_some() {
            $builder.with::<$name>();
        })*
    };
}

/// Adds what the plan of this script has.
pub(crate) fn add(builder: &mut HostBuilder, script: &Script) {
    included!(builder, script:
        b0 c0 u0 p0 q0 b1 c1 q1 p1 b2 u1 n0 n1 b3 w0 b4 c2 q2 p2 n2 w1 b5 u2 c3
        meet hs0 hs1 hs2 ht0 ht1 hp0 hp1 hd0 hd1);
    builder.provide(script.clone());
}
