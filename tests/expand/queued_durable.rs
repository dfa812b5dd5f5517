// #[hostkit::queued(durable, attempts = 5, per_key = 1, key = customer, rate = "100/1s")]
// pub async fn send_invoice(invoice: Invoice, mail: &Mail, job: JobContext) -> anyhow::Result<Verdict> {
//     mail.send(invoice, job.fence()).await
// }

pub async fn send_invoice(
    invoice: Invoice,
    mail: &Mail,
    job: JobContext,
) -> anyhow::Result<Verdict> {
    mail.send(invoice, job.fence()).await
}
/// The handle of the function `send_invoice`.
pub struct send_invoice {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "send_invoice",
        description: "",
        source: __hk::here(__hk::module_path!()),
        handle: __hk::TypeId::of::<send_invoice>,
        edges: &[
            __hk::Edge::shared::<Mail>("mail"),
            __hk::Edge::of::<__hk::kind::Durable, JobContext>("job"),
        ],
        after: &[],
        options: &[
            ("attempts", __hk::Setting::Integer(5)),
            ("per_key", __hk::Setting::Integer(1)),
            ("rate", __hk::Setting::Text("100/1s")),
        ],
        kind: __hk::Kind::durable::<__Shim>(),
    };
    impl __hk::Item for send_invoice {
        type Role = __hk::role::Stored;
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    impl __hk::Queued for send_invoice {
        type Payload = Invoice;
    }
    struct __Shim;
    impl __hk::Work for __Shim {
        type Of = send_invoice;
        type Needs = (__hk::Lent<Mail>, JobContext);
        const COPY: __hk::Copying<Invoice> = {
            use __hk::Uncopied as _;
            __hk::Payloads::<Invoice>::COPY
        };
        const CODEC: __hk::Coding<Invoice> = __hk::Some(__hk::codec::<Invoice>());
        const KEY: __hk::Keying<Invoice> = __hk::Some(|payload| __hk::key(
            customer(payload),
        ));
        fn call<'r>(
            invoice: <Self::Of as __hk::Queued>::Payload,
            (mail, job): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            __hk::ending(send_invoice(invoice, mail, job), __hk::answer)
        }
    }
    __hk::submit!(send_invoice);
};
