import { expect } from "chai";
import { handler } from "../../functions/isolateInstance";
import type { Containment } from "../../functions/domain/containers";
import { deniedInstances, denyPolicyName } from "../../functions/domain/planCredentialDeny";
import { MemberAccount } from "../support/memberAccount";
import { incident, thrown } from "./inMemoryAws";

const outcomes = ({ steps }: Containment, name: string) => steps.filter((each) => each.name === name).map(({ outcome }) => outcome);

describe("isolateInstance", () => {
    let account: MemberAccount;
    beforeEach(() => {
        account = new MemberAccount(incident);
        account.install({});
    });
    afterEach(() => account.remove());
    const contain = () => handler({ incident }) as Promise<Containment>;
    const written = () => JSON.parse(account.objects.get(`${incident.prefix}containment.json`)!) as Containment;
    const isolation = () => account.groups.find(({ Tags }) => Tags.some(({ Value }) => Value === "isolation"))!.GroupId;

    it("contains the instance in every respect and records what it did", async () => {
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(account.interfaces.map(({ groups, timeout }) => ({ groups, timeout }))).to.deep.equal([
            { groups: [isolation()], timeout: 60 },
            { groups: [isolation()], timeout: 60 },
        ]);
        expect({
            ...account.attributes,
            metadata: account.metadata,
            scaling: account.autoScaling,
            targets: account.targets,
            classic: account.classic,
        }).to.deep.equal({
            disableApiTermination: true,
            disableApiStop: true,
            instanceInitiatedShutdownBehavior: "stop",
            metadata: "disabled",
            scaling: null,
            targets: [],
            classic: [],
        });
        expect(Object.values(account.deleteOnTermination)).to.deep.equal([false, false]);
        expect(account.acls).to.deep.equal({ "subnet-a": "acl-own", "subnet-b": "acl-own" });
        expect(containment.uncut).to.have.length(2);
        expect(written().isolationGroupId).to.equal(isolation());
    });

    it("writes the restore record before it changes anything, and never over a first one", async () => {
        await contain();
        const first = account.objects.get(`${incident.prefix}restore-record.json`);
        const changes = account.calls.findIndex((call) => /^(Modify|Detach|Deregister|PutRole)/.test(call));
        expect(account.calls.indexOf("PutObject")).to.be.lessThan(changes);
        const second = await contain();
        expect(account.objects.get(`${incident.prefix}restore-record.json`)).to.equal(first);
        expect(second.interfaces.map(({ groupsBefore }) => groupsBefore)).to.deep.equal([["sg-app", "sg-ssh"], ["sg-app"]]);
        expect(outcomes(second, "denyCredentials")).to.deep.equal(["already-done"]);
    });

    it("makes the missing groups without a rule too many, while the instance leaves its group", async () => {
        await contain();
        expect(account.groups.map(({ GroupName, ingress, egress }) => [GroupName, ingress.length, egress.length])).to.have.deep.members([
            ["clean-room-isolation", 0, 0],
            ["clean-room-untrack", 1, 2],
        ]);
        expect(account.calls.indexOf("DetachInstances")).to.be.lessThan(account.calls.indexOf("ModifyNetworkInterfaceAttribute"));
    });

    it("cuts the network within eight calls one after another, also in a VPC without our groups", async () => {
        await contain();
        const cut = account.calls.findLastIndex(
            (call, index) => call === "ModifyNetworkInterfaceAttribute" && index < account.calls.indexOf("ModifyInstanceMetadataOptions"),
        );
        // TransactWriteItems, StartExecution and AssumeRole come before.
        expect(3 + account.depths[cut]!).to.be.at.most(8);
        expect(account.depths[cut]).to.be.greaterThan(3);
    });

    it("keeps to its deny although IAM goes on showing the policy as it was for some reads", async function () {
        this.timeout(10_000);
        const read = account.onGetRolePolicy.bind(account);
        let late = 4;
        account.onGetRolePolicy = (input) => {
            if (late-- > 0) throw Object.assign(new Error("not yet"), { name: "NoSuchEntityException" });
            return read(input);
        };
        const containment = await contain();
        expect(outcomes(containment, "denyCredentials")).to.deep.equal(["done"]);
        expect(deniedInstances(account.policies.get(denyPolicyName)!)).to.have.length(1);
    });

    it("says so when its deny does not last", async function () {
        this.timeout(20_000);
        account.after = (operation) => {
            if (operation === "PutRolePolicy") account.policies.clear();
        };
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(containment.steps.find(({ name }) => name === "denyCredentials")).to.include({ outcome: "failed" });
        expect(containment.steps.find(({ name }) => name === "denyCredentials")!.detail).to.contain("did not keep what was written");
    });

    it("touches no other setting of an instance that is gone before it comes", async () => {
        account.state = "terminated";
        expect((await thrown(contain())).message).to.match(/already terminated/);
        expect(account.objects.size).to.equal(0);
        expect(account.calls.filter((call) => !/^(Describe|Get)/.test(call))).to.deep.equal([]);
    });

    it("says so when the instance ends on the way", async () => {
        account.after = (operation) => {
            if (operation === "DetachInstances") account.state = "shutting-down";
        };
        expect((await thrown(contain())).message).to.match(/already shutting-down/);
    });

    for (const [refused, step] of [
        ["ModifyInstanceAttribute:DisableApiTermination", "protectFromTermination"],
        ["DeregisterTargets", "deregisterTarget"],
        ["GetInstanceProfile", "denyCredentials"],
        ["ModifyInstanceMetadataOptions", "disableMetadata"],
        ["ModifyNetworkInterfaceAttribute:ConnectionTrackingSpecification", "shortenIdleTimeout"],
    ] as const) {
        it(`does the rest and says what failed when ${refused} is denied`, async () => {
            account.refusals.set(refused, "AccessDenied");
            const containment = await contain();
            expect(containment.contained).to.equal(true);
            const failed = [...new Set(containment.steps.filter(({ outcome }) => outcome === "failed").map(({ name }) => name))];
            expect(failed).to.deep.equal([step]);
        });
    }

    for (const refused of [
        "DescribeTargetGroups",
        "DescribeLoadBalancers",
        "DescribeAutoScalingInstances",
        "DescribeInstanceAttribute",
        "DescribeRouteTables",
        "DescribeNetworkAcls",
        "DescribeInstanceTypes",
        "DescribeTargetHealth",
    ]) {
        it(`contains although ${refused} is denied, and names what it could not read`, async () => {
            account.refusals.set(refused, "AccessDenied");
            const containment = await contain();
            expect(containment.contained).to.equal(true);
            expect(outcomes(containment, "readInstance")).to.include("failed");
        });
    }

    it("asks again when a read is throttled, having changed nothing", async () => {
        account.refusals.set("DescribeTargetGroups", "ThrottlingException");
        expect((await thrown(contain())).name).to.equal("Transient");
        expect(account.objects.size).to.equal(0);
    });

    it("goes into standby where detaching is refused", async () => {
        account.refusals.set("DetachInstances", "ValidationError");
        const containment = await contain();
        expect(account.autoScaling).to.equal("Standby");
        expect(containment.steps.find(({ name }) => name === "detachFromAutoScaling")!.detail).to.contain("standby");
    });

    it("isolates without the untracked moment when its group cannot be made", async () => {
        account.refusals.set("AuthorizeSecurityGroupIngress", "UnauthorizedOperation");
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(outcomes(containment, "untrackGroup")).to.deep.equal(["failed"]);
    });

    it("does all else and fails loudly when an interface cannot be isolated", async () => {
        account.refusals.set("ModifyNetworkInterfaceAttribute:Groups", "UnauthorizedOperation");
        const error = await thrown(contain());
        expect(error.name).to.equal("StepFailed");
        expect(error.message).to.contain("NOT contained").and.contain("eni-1, eni-2").and.contain("UnauthorizedOperation");
        expect(account.metadata).to.equal("disabled");
        expect(written().contained).to.equal(false);
    });

    const awsError = (name: string) => Object.assign(new Error(`${name} of the test`), { name });
    const untrack = () => account.groups.find(({ Tags }) => Tags.some(({ Value }) => Value === "untrack"))!.GroupId;

    it("does not leave an interface in the group that lets everything through when the isolation group is refused", async () => {
        const modify = account.onModifyNetworkInterfaceAttribute.bind(account);
        account.onModifyNetworkInterfaceAttribute = (input) => {
            if (input.Groups?.includes(isolation())) throw awsError("UnauthorizedOperation");
            return modify(input);
        };
        expect((await thrown(contain())).message)
            .to.contain("NOT contained")
            .and.contain("eni-1, eni-2");
        expect(account.interfaces.map(({ groups }) => groups)).to.deep.equal([["sg-app", "sg-ssh"], ["sg-app"]]);
    });

    it("ends the untracked moment while EC2 does not know the isolation group yet, and begins it anew", async function () {
        this.timeout(15_000);
        const modify = account.onModifyNetworkInterfaceAttribute.bind(account);
        let lag = 2;
        const given: string[] = [];
        account.onModifyNetworkInterfaceAttribute = (input) => {
            if (input.Groups?.includes(isolation()) && input.NetworkInterfaceId === "eni-1" && lag-- > 0)
                throw awsError("InvalidGroup.NotFound");
            if (input.Groups && input.NetworkInterfaceId === "eni-1") given.push(input.Groups.join());
            return modify(input);
        };
        expect((await contain()).contained).to.equal(true);
        expect(given).to.deep.equal([untrack(), "sg-app,sg-ssh", untrack(), "sg-app,sg-ssh", untrack(), isolation()]);
    });

    it("isolates all the same when the untracked moment is refused, and says that connections may live on", async () => {
        const modify = account.onModifyNetworkInterfaceAttribute.bind(account);
        account.onModifyNetworkInterfaceAttribute = (input) => {
            if (input.Groups?.includes(untrack())) throw awsError("UnauthorizedOperation");
            return modify(input);
        };
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(
            containment.steps
                .filter(({ name }) => name === "isolateInterface")
                .map(({ detail }) => detail)
                .join(),
        ).to.contain("connections that stood may live on");
    });

    it("goes on from the untracked moment in which an earlier run broke off", async () => {
        let calls = 0;
        account.after = (operation) => {
            if (operation === "ModifyNetworkInterfaceAttribute" && ++calls === 1)
                account.after = () => {
                    throw awsError("Sandbox.Timedout");
                };
        };
        await thrown(contain());
        account.after = () => undefined;
        expect((await contain()).contained).to.equal(true);
        expect(account.interfaces.map(({ groups }) => groups)).to.deep.equal([[isolation()], [isolation()]]);
    });

    it("waits until EC2 knows the groups it made and shows the interfaces it changed", async function () {
        this.timeout(15_000);
        const [revoke, modify, show] = [
            account.onRevokeSecurityGroupEgress.bind(account),
            account.onModifyNetworkInterfaceAttribute.bind(account),
            account.onDescribeInstances.bind(account),
        ];
        const lags = { revoke: 2, modify: 2, show: 2 };
        account.onRevokeSecurityGroupEgress = (input) => {
            if (lags.revoke-- > 0) throw awsError("InvalidGroup.NotFound");
            return revoke(input);
        };
        account.onModifyNetworkInterfaceAttribute = (input) => {
            if (input.Groups && lags.modify-- > 0) throw awsError("InvalidGroup.NotFound");
            return modify(input);
        };
        const asItWas = JSON.parse(JSON.stringify(account.onDescribeInstances())) as unknown;
        account.onDescribeInstances = () =>
            account.groups.length > 0 && account.interfaces.every(({ groups }) => groups[0] === isolation()) && lags.show-- > 0
                ? asItWas
                : show();
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(containment.steps.filter(({ outcome }) => outcome === "failed")).to.deep.equal([]);
        expect(account.groups.find(({ GroupId }) => GroupId === isolation())!.egress).to.deep.equal([]);
    });

    it("protects and denies even without an isolation group", async () => {
        account.refusals.set("CreateSecurityGroup", "UnauthorizedOperation");
        expect((await thrown(contain())).message).to.contain("isolationGroup");
        expect(account.attributes.disableApiTermination).to.equal(true);
        expect(account.interfaces[0]!.groups).to.deep.equal(["sg-app", "sg-ssh"]);
    });

    it("joins the deny of another incident on the role", async () => {
        account.denyAnother("i-00000000000000001");
        await contain();
        expect(deniedInstances(account.policies.get("clean-room-contained-instances")!)).to.have.length(2);
    });

    it("cuts whole subnets where configured, and names only what stays inside them", async () => {
        process.env.CONTAIN_NETWORK = "nacl";
        const containment = await contain();
        expect(Object.values(account.acls)).to.deep.equal(["acl-isolation-1", "acl-isolation-1"]);
        expect(containment.networkAclId).to.equal("acl-isolation-1");
        expect(containment.uncut.join()).to.contain("tgw-1").and.not.contain("nat-1");
        await contain();
        expect(account.isolationAcls).to.have.length(1);
    });

    it("says of a spot instance what it cannot be protected from", async () => {
        account.lifecycle = "spot";
        expect(outcomes(await contain(), "protectSpot")).to.deep.equal(["not-needed"]);
        expect(account.attributes.disableApiTermination).to.equal(false);
    });
});
