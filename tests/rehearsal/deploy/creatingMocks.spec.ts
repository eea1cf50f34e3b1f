import { expect } from "chai";
import { createByTable, creatingMocks } from "../../../rehearsal/deploy/creatingMocks";
import { Providers } from "../../../rehearsal/deploy/providers";
import { entry, physicalName, type DeployTable, type ResourceContext } from "../../../rehearsal/deploy/resource";

const target = { accountId: "111111111111", region: "eu-west-1" };
const noClients = () => {
    throw new Error("no client is needed here");
};
const context: ResourceContext = {
    type: "aws:x/thing:Thing",
    name: "thing",
    target,
    defaultTags: {},
    clients: noClients,
    onUpload: () => undefined,
};
const table: DeployTable = {
    "aws:x/thing:Thing": entry<{ size: number }>(async (inputs) => ({ id: `thing-${inputs.size}` }), {
        forceDestroy: "nothing is deleted",
    }),
};
const failure = (promise: Promise<unknown>) =>
    promise.then(
        () => expect.fail("succeeded"),
        (error: Error) => error.message,
    );

describe("the deploy table", () => {
    it("creates what it knows", async () => {
        expect(await createByTable(table, { size: 3, forceDestroy: true, region: "eu-west-1" }, context)).to.deep.equal({ id: "thing-3" });
    });

    it("refuses a type it does not know", async () => {
        expect(await failure(createByTable(table, {}, { ...context, type: "aws:x/other:Other" }))).to.match(/not in the deploy table/);
    });

    it("refuses an input that its handler would drop in silence", async () => {
        expect(await failure(createByTable(table, { size: 3, encrypted: true }, context))).to.match(/does not know its input encrypted/);
    });

    it("names a failed resource in the log, and fails its registration", async () => {
        const { mocks, log } = creatingMocks(noClients, target);
        expect(
            await failure(mocks.newResource({ type: "aws:x/other:Other", name: "left-out", inputs: {}, custom: true }) as Promise<unknown>),
        ).to.match(/not in the deploy table/);
        expect(log.failures).to.have.length(1);
        expect(log.failures[0]).to.match(/^left-out \(aws:x\/other:Other\): /);
        expect(log.resources).to.deep.equal([]);
    });

    it("makes nothing for a component", async () => {
        const { mocks, log } = creatingMocks(noClients, target);
        await mocks.newResource({ type: "clean-room:infra:Network", name: "network", inputs: {}, custom: false });
        expect(log).to.deep.equal({ resources: [], functions: [], failures: [] });
    });

    it("refuses a Pulumi function it cannot ask", async () => {
        const { mocks, log } = creatingMocks(noClients, target);
        expect(await failure(mocks.call!({ token: "aws:x/getThing:getThing", inputs: {} }) as Promise<unknown>)).to.match(
            /getThing is not known/,
        );
        expect(log.failures).to.have.length(1);
    });

    it("names resources as Pulumi does: the given name, else the logical name with a suffix", () => {
        expect(physicalName(context, "given")).to.equal("given");
        expect(physicalName(context)).to.match(/^thing-[0-9a-f]{7}$/);
        expect(physicalName(context)).to.not.equal(physicalName(context));
        expect(physicalName(context, undefined, "prefix-")).to.match(/^prefix-[0-9a-f]{7}$/);
    });
});

describe("providers of the deployed program", () => {
    const reference = (id: string) => `urn:pulumi:rehearsal::project::pulumi:providers:aws::member::${id}`;
    const find = (inputs: Record<string, unknown>, region?: string) => {
        const providers = new Providers(target);
        return providers.find(reference(providers.register("member", inputs)), region).target;
    };

    it("put resources into the account they are limited to, in any spelling the engine uses", () => {
        expect(find({ allowedAccountIds: ["222222222222"], region: "us-east-1" })).to.deep.equal({
            accountId: "222222222222",
            region: "us-east-1",
        });
        expect(find({ allowedAccountIds: '["222222222222"]' })).to.deep.equal({ accountId: "222222222222", region: "eu-west-1" });
    });

    it("put resources into the account of the role they assume", () => {
        expect(find({ assumeRoles: [{ roleArn: "arn:aws:iam::222222222222:role/deploy" }] }).accountId).to.equal("222222222222");
    });

    it("give way to the Region of the resource itself", () => {
        expect(find({ allowedAccountIds: ["222222222222"], region: "us-east-1" }, "eu-central-1").region).to.equal("eu-central-1");
    });

    it("fall back to the forensics account without a provider", () => {
        expect(new Providers(target).find("", undefined).target).to.deep.equal(target);
    });

    it("are refused when they leave the account open, or were never registered", () => {
        expect(() => find({ allowedAccountIds: ["222222222222", "333333333333"] })).to.throw(/allows 2 accounts/);
        expect(() => new Providers(target).find(reference("gone"), undefined)).to.throw(/never registered/);
    });
});
