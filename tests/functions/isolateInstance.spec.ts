import { expect } from "chai";
import { handler } from "../../functions/isolateInstance";
import { handler as release } from "../../functions/releaseInstance";
import type { Containment } from "../../functions/domain/containers";
import type { StandingContainment } from "../../functions/domain/standingContainment";
import { deniedInstances, denyPolicyName } from "../../functions/domain/planCredentialDeny";
import type { Group } from "../support/aws/vpc";
import { MemberAccount } from "../support/memberAccount";
import { VirtualTime } from "../support/virtualTime";
import { incident, thrown } from "./inMemoryAws";

const outcomes = ({ steps }: Containment, name: string) => steps.filter((each) => each.name === name).map(({ outcome }) => outcome);

const awsError = (name: string) => Object.assign(new Error(`${name} of the test`), { name });

describe("isolateInstance", () => {
    let account: MemberAccount;
    beforeEach(() => {
        account = new MemberAccount(incident);
        account.install({});
    });
    afterEach(() => {
        time.remove();
        account.remove();
    });
    /** For specs in which minutes pass. */
    const time = new VirtualTime();
    const contain = () => handler({ incident }) as Promise<Containment>;
    const written = () => JSON.parse(account.objects.get(`${incident.prefix}containment.json`)!) as Containment;
    const isolation = () => account.ec2.vpc.groups.find(({ Tags }) => Tags.some(({ Value }) => Value === "isolation"))!.GroupId;

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
            targets: account.loadBalancing.targets,
            classic: account.loadBalancing.classic,
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
        expect(account.ec2.vpc.acls).to.deep.equal({ "subnet-a": "acl-own", "subnet-b": "acl-own" });
        expect(containment.uncut.filter((each) => /NAT|transit|DNS resolver/.test(each))).to.have.length(3);
        expect(containment.uncut.join())
            .to.contain("keys of users on its disks")
            .and.contain("in the last 15 minutes: CloudTrail does not say");
        expect(written().isolationGroupId).to.equal(isolation());
    });

    it("keeps the restore record before it changes anything, and never over a first one", async () => {
        await contain();
        const first = account.objects.get(`${incident.prefix}restore-record.json`);
        const changes = account.calls.findIndex((call) => /^(Modify|Detach|Deregister|PutRole)/.test(call));
        expect(account.calls.indexOf("PutItem")).to.be.within(0, changes - 1);
        const second = await contain();
        expect(account.objects.get(`${incident.prefix}restore-record.json`)).to.equal(first);
        expect(second.interfaces.map(({ groupsBefore }) => groupsBefore)).to.deep.equal([["sg-app", "sg-ssh"], ["sg-app"]]);
        expect(outcomes(second, "denyCredentials")).to.deep.equal(["already-done"]);
    });

    it("makes the missing groups without a rule too many, while the instance leaves its group", async () => {
        await contain();
        expect(
            account.ec2.vpc.groups.map(({ GroupName, ingress, egress }) => [GroupName, ingress.length, egress.length]),
        ).to.have.deep.members([
            [`clean-room-isolation-${incident.incidentId}`, 0, 0],
            [`clean-room-untrack-${incident.incidentId}`, 2, 2],
        ]);
        expect(account.calls.indexOf("DetachInstances")).to.be.lessThan(account.calls.indexOf("ModifyNetworkInterfaceAttribute"));
    });

    it("cuts the network within six calls one after another, from taking the role on", async () => {
        await contain();
        const cut = account.calls.findLastIndex(
            (call, index) => call === "ModifyNetworkInterfaceAttribute" && index < account.calls.indexOf("DeregisterTargets"),
        );
        // AssumeRole comes before.
        expect(1 + account.record[cut]!.depth).to.be.at.most(6);
        expect(account.record[cut]!.depth).to.be.greaterThan(3);
    });

    it("keeps to its deny although IAM goes on showing the policy as it was for some reads", async function () {
        this.timeout(10_000);
        const read = account.iam.onGetRolePolicy.bind(account.iam);
        let late = 4;
        account.iam.onGetRolePolicy = (input) => {
            if (late-- > 0) throw Object.assign(new Error("not yet"), { name: "NoSuchEntityException" });
            return read(input);
        };
        const containment = await contain();
        expect(outcomes(containment, "denyCredentials")).to.deep.equal(["done"]);
        expect(deniedInstances(account.iam.policies.get(denyPolicyName)!)).to.have.length(1);
    });

    it("says so when its deny does not last", async function () {
        this.timeout(20_000);
        account.after = (operation) => {
            if (operation === "PutRolePolicy") account.iam.policies.clear();
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

    it("contains at once where load balancers are throttled, and names what it could not read when they stay so", async function () {
        this.timeout(10_000);
        let throttled = 3;
        const read = account.loadBalancing.onDescribeTargetGroups.bind(account.loadBalancing);
        account.loadBalancing.onDescribeTargetGroups = () => {
            if (throttled-- > 0) throw awsError("ThrottlingException");
            return read();
        };
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(account.loadBalancing.targets).to.deep.equal([]);
        expect(account.calls.indexOf("ModifyNetworkInterfaceAttribute")).to.be.lessThan(account.calls.indexOf("DescribeTargetHealth"));
    });

    it("contains in a VPC with IPv6, whose groups are born with another rule", async () => {
        account.ec2.vpc.ipv6 = true;
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(containment.steps.filter(({ outcome }) => outcome === "failed")).to.deep.equal([]);
        expect(account.ec2.vpc.groups.map(({ ingress, egress }) => [ingress.length, egress.length])).to.have.deep.members([
            [0, 0],
            [2, 2],
        ]);
    });

    it("uses no group of a stranger's that has our name and tag", async () => {
        const Tags = [{ Key: "clean-room:role", Value: "isolation" }];
        for (const GroupName of ["clean-room-isolation", `clean-room-isolation-${incident.incidentId}`])
            account.ec2.vpc.groups.push({ GroupId: `sg-${GroupName.length}`, GroupName, VpcId: "vpc-1", Tags, ingress: [], egress: [] });
        const strangers = account.ec2.vpc.groups.map(({ GroupId }) => GroupId);
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(strangers).to.not.include(containment.isolationGroupId);
    });

    it("uses no untrack group that has been given another rule, and no isolation group that was opened", async () => {
        await contain();
        for (const group of account.ec2.vpc.groups) group.egress.push({ IpProtocol: "tcp", IpRanges: [{ CidrIp: "203.0.113.0/24" }] });
        account.interfaces[0]!.groups = ["sg-app"];
        const before = account.ec2.vpc.groups.map(({ GroupId }) => GroupId);
        const again = await contain();
        expect(again.contained).to.equal(true);
        expect(before).to.not.include(again.isolationGroupId);
        expect(account.interfaces.map(({ groups }) => groups)).to.deep.equal([[again.isolationGroupId], [again.isolationGroupId]]);
    });

    for (const [what, undo] of [
        [
            "gives its isolation group a rule",
            (group) => void group.ingress.push({ IpProtocol: "-1", IpRanges: [{ CidrIp: "198.51.100.0/24" }] }),
        ],
        [
            "deletes the rules that make its untrack group",
            (group) => void (account.ec2.vpc.groups.find((each) => each !== group)!.egress = []),
        ],
        ["gives the interface its groups back", () => void (account.interfaces[1]!.groups = ["sg-app"])],
    ] as [string, (group: Group) => void][])
        it(`contains the instance at once although somebody ${what} while it is cut, and says so`, async () => {
            time.install();
            let changes = 0;
            account.after = (operation) => {
                if (operation !== "ModifyNetworkInterfaceAttribute" || ++changes !== 4) return;
                undo(account.ec2.vpc.groups.find(({ GroupId }) => GroupId === isolation())!);
            };
            const containment = await contain();
            expect(containment.contained).to.equal(true);
            const carried = account.ec2.vpc.groups.find(({ GroupId }) => GroupId === containment.isolationGroupId)!;
            expect([carried.ingress, carried.egress]).to.deep.equal([[], []]);
            expect(account.interfaces.map(({ groups }) => groups)).to.deep.equal([[carried.GroupId], [carried.GroupId]]);
            if (what.includes("isolation group"))
                expect(containment.steps.map(({ detail }) => detail).join()).to.contain(
                    "had rules of somebody else's (in everything from 198.51.100.0/24)",
                );
            await release({ incidentId: incident.incidentId, acceptRisk: "a test" });
            expect(account.ec2.vpc.groups, "all groups that were made").to.deep.equal([]);
        });

    it("says that it is not contained where every new group is given rules", async () => {
        account.ec2.vpc.onCreateSecurityGroup = ((real) => (input: never) => {
            const made = real(input) as { GroupId: string };
            account.ec2.vpc.groups.at(-1)!.ingress.push({ IpProtocol: "-1", IpRanges: [{ CidrIp: "198.51.100.0/24" }] });
            return made;
        })(account.ec2.vpc.onCreateSecurityGroup.bind(account.ec2.vpc));
        expect((await thrown(contain())).message)
            .to.contain("NOT contained")
            .and.contain("has rules");
        expect(account.ec2.vpc.groups.filter(({ Tags }) => Tags.some(({ Value }) => Value === "isolation"))).to.have.length(3);
    });

    it("takes the declared group where making one is refused, but only when nobody else carries it", async () => {
        account.refusals.set("CreateSecurityGroup", "UnauthorizedOperation");
        const Tags = [{ Key: "clean-room:role", Value: "isolation" }];
        account.ec2.vpc.groups.push({
            GroupId: "sg-declared",
            GroupName: "clean-room-isolation",
            VpcId: "vpc-1",
            Tags,
            ingress: [],
            egress: [],
        });
        expect((await contain()).isolationGroupId).to.equal("sg-declared");
    });

    it("contains although the evidence bucket refuses everything, and keeps the restore record in the table", async () => {
        account.refusals.set("PutObject", "KMS.DisabledException");
        account.refusals.set("GetObject", "KMS.DisabledException");
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(outcomes(containment, "keepObject")).to.include("failed");
        expect([...account.table.items.keys()].filter((key) => key.startsWith("containment#"))).to.have.length(1);
    });

    it("contains although the incidents table cannot be reached, and says that the record is only in the bucket", async () => {
        account.refusals.set("GetItem", "InternalServerError");
        account.refusals.set("PutItem", "AccessDeniedException");
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(outcomes(containment, "keepRecord")).to.deep.equal(["failed"]);
        expect(account.objects.has(`${incident.prefix}restore-record.json`)).to.equal(true);
    });

    /** Lets the table refuse calls of an operation about the instance's containment, as long as `refuses` says. */
    function refuse(operation: string, refuses: () => boolean): void {
        const answer = account.answer.bind(account);
        account.answer = (name, input, client) => {
            const about = JSON.stringify(input.Item ?? input.Key ?? "");
            if (name === operation && about.includes('"containment#') && refuses())
                throw awsError("ProvisionedThroughputExceededException");
            return answer(name, input, client);
        };
    }
    const kept = () => {
        const [item] = [...account.table.items].filter(([key]) => key.startsWith("containment#")).map(([, value]) => value);
        return JSON.parse(item!.containment!.S as string) as StandingContainment;
    };

    it("keeps the whole record where the table refused its first writing alone", async () => {
        let calls = 0;
        refuse("PutItem", () => ++calls === 1);
        const containment = await contain();
        expect(containment.steps.filter(({ outcome }) => outcome === "failed")).to.deep.equal([]);
        expect(kept().record.interfaces.map(({ groups }) => groups)).to.deep.equal([["sg-app", "sg-ssh"], ["sg-app"]]);
        expect(kept().groups.isolation).to.equal(isolation());
        expect(kept().roles).to.deep.equal(["app"]);
    });

    it("takes what stands for the owner's, although the table could not be read when it was contained again", async () => {
        await contain();
        const until = Date.now() + 700;
        refuse("GetItem", () => Date.now() < until);
        await contain();
        expect(kept().record.interfaces.map(({ groups }) => groups)).to.deep.equal([["sg-app", "sg-ssh"], ["sg-app"]]);
        expect(kept().record.terminationProtection).to.equal(false);
        expect(kept().incidentIds).to.deep.equal([incident.incidentId]);
    });

    it("isolates the branch interfaces of pods, and is not contained where one's owner is not known", async function () {
        time.install();
        this.timeout(20_000);
        account.trunk = "eni-1";
        account.ec2.vpc.branches = [
            { id: "eni-pod", trunk: "eni-1", groups: ["sg-pod"] },
            { id: "eni-other-node", trunk: "eni-99", groups: ["sg-pod"] },
        ];
        account.ec2.vpc.trunks.add("eni-99");
        const { contained, uncut } = await contain();
        expect(contained).to.equal(true);
        // A tag is all that says whose it is, and the intruder may write tags.
        expect(uncut.join()).to.contain("branch interfaces that their tag gives to other instances of the VPC (eni-other-node)");
        expect(account.ec2.vpc.branches.map(({ groups }) => groups)).to.deep.equal([[isolation()], ["sg-pod"]]);
        account.ec2.vpc.branches[1]!.trunk = "eni-of-nobody";
        expect((await thrown(contain())).message)
            .to.contain("NOT contained")
            .and.contain("eni-other-node");
        account.ec2.vpc.branches[1]!.trunk = "eni-99";
        account.ec2.vpc.branches.push({ id: "eni-task", trunk: null, groups: ["sg-task"] });
        expect((await thrown(contain())).message)
            .to.contain("NOT contained")
            .and.contain("eni-task");
    });

    it("tries again what EC2 was too busy for after the cut", async () => {
        let busy = 2;
        const modify = account.ec2.onModifyInstanceAttribute.bind(account.ec2);
        account.ec2.onModifyInstanceAttribute = (input) => {
            if (input.BlockDeviceMappings && busy-- > 0) throw awsError("RequestLimitExceeded");
            return modify(input);
        };
        expect(outcomes(await contain(), "keepVolumes")).to.deep.equal(["done"]);
    });

    it("is contained although a sub-step is denied and EC2 shows the interfaces late", async () => {
        account.refusals.set("DeregisterTargets", "AccessDenied");
        const asItWas = structuredClone(account.ec2.onDescribeInstances({}));
        const show = account.ec2.onDescribeInstances.bind(account.ec2);
        let late = 2;
        account.ec2.onDescribeInstances = () =>
            account.ec2.vpc.groups.length > 0 && account.interfaces.every(({ groups }) => groups[0] === isolation()) && late-- > 0
                ? asItWas
                : show({});
        expect((await contain()).contained).to.equal(true);
    });

    it("waits for an instance that is only coming into its Auto Scaling group, while all else is done", async function () {
        this.timeout(15_000);
        account.autoScaling = "Pending:Proceed";
        const describe = account.autoScalingGroup.onDescribeAutoScalingInstances.bind(account.autoScalingGroup);
        let looks = 0;
        account.autoScalingGroup.onDescribeAutoScalingInstances = () => {
            if (looks++ === 2) account.autoScaling = "InService";
            return describe();
        };
        const containment = await contain();
        expect([containment.contained, account.autoScaling]).to.deep.equal([true, null]);
        expect(account.calls.lastIndexOf("DetachInstances")).to.be.greaterThan(account.calls.indexOf("ModifyInstanceAttribute"));
    });

    for (const state of ["Warmed:Running", "Warmed:Stopped", "EnteringStandby"])
        it(`keeps the group from ending an instance that it lets go neither way (${state}), tells, and releases that`, async () => {
            account.autoScaling = state;
            account.autoScalingGroup.suspendedProcesses = ["AZRebalance"];
            const step = (await contain()).steps.find(({ name }) => name === "detachFromAutoScaling")!;
            expect(step.outcome).to.equal("done");
            expect(step.detail).to.contain(`in the state ${state}`).and.contain("suspended for all its instances until the release");
            expect(account.autoScalingGroup.suspendedProcesses).to.include.members(["Terminate", "ReplaceUnhealthy", "AZRebalance"]);
            await release({ incidentId: incident.incidentId, acceptRisk: "a test" });
            expect(account.autoScalingGroup.suspendedProcesses).to.deep.equal(["AZRebalance"]);
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
        const logged: Record<string, unknown>[] = [];
        const print = console.log;
        console.log = (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>);
        const error = await thrown(contain()).finally(() => (console.log = print));
        expect(error.name).to.equal("StepFailed");
        expect(logged.map(({ NotContained }) => NotContained).filter(Boolean), "the dashboard counts it").to.deep.equal([1]);
        expect(error.message).to.contain("NOT contained").and.contain("eni-1, eni-2").and.contain("UnauthorizedOperation");
        expect(account.metadata).to.equal("disabled");
        expect(written().contained).to.equal(false);
    });

    const untrack = () => account.ec2.vpc.groups.find(({ Tags }) => Tags.some(({ Value }) => Value === "untrack"))!.GroupId;

    it("does not leave an interface in the group that lets everything through when the isolation group is refused", async () => {
        const modify = account.ec2.vpc.onModifyNetworkInterfaceAttribute.bind(account.ec2.vpc);
        account.ec2.vpc.onModifyNetworkInterfaceAttribute = (input) => {
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
        const modify = account.ec2.vpc.onModifyNetworkInterfaceAttribute.bind(account.ec2.vpc);
        let lag = 2;
        const given: string[] = [];
        account.ec2.vpc.onModifyNetworkInterfaceAttribute = (input) => {
            if (input.Groups?.includes(isolation()) && input.NetworkInterfaceId === "eni-1" && lag-- > 0)
                throw awsError("InvalidGroup.NotFound");
            if (input.Groups && input.NetworkInterfaceId === "eni-1") given.push(input.Groups.join());
            return modify(input);
        };
        expect((await contain()).contained).to.equal(true);
        expect(given).to.deep.equal([untrack(), "sg-app,sg-ssh", untrack(), "sg-app,sg-ssh", untrack(), isolation()]);
    });

    it("isolates all the same when the untracked moment is refused, and says that connections may live on", async () => {
        const modify = account.ec2.vpc.onModifyNetworkInterfaceAttribute.bind(account.ec2.vpc);
        account.ec2.vpc.onModifyNetworkInterfaceAttribute = (input) => {
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
            account.ec2.vpc.onRevokeSecurityGroupEgress.bind(account.ec2.vpc),
            account.ec2.vpc.onModifyNetworkInterfaceAttribute.bind(account.ec2.vpc),
            account.ec2.onDescribeInstances.bind(account.ec2),
        ];
        const lags = { revoke: 2, modify: 2, show: 2 };
        account.ec2.vpc.onRevokeSecurityGroupEgress = (input) => {
            if (lags.revoke-- > 0) throw awsError("InvalidGroup.NotFound");
            return revoke(input);
        };
        account.ec2.vpc.onModifyNetworkInterfaceAttribute = (input) => {
            if (input.Groups && lags.modify-- > 0) throw awsError("InvalidGroup.NotFound");
            return modify(input);
        };
        const asItWas = structuredClone(account.ec2.onDescribeInstances({}));
        account.ec2.onDescribeInstances = () =>
            account.ec2.vpc.groups.length > 0 && account.interfaces.every(({ groups }) => groups[0] === isolation()) && lags.show-- > 0
                ? asItWas
                : show({});
        const containment = await contain();
        expect(containment.contained).to.equal(true);
        expect(containment.steps.filter(({ outcome }) => outcome === "failed")).to.deep.equal([]);
        expect(account.ec2.vpc.groups.find(({ GroupId }) => GroupId === isolation())!.egress).to.deep.equal([]);
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
        expect(deniedInstances(account.iam.policies.get("clean-room-contained-instances")!)).to.have.length(2);
    });

    it("cuts whole subnets where configured, and names only what stays inside them", async () => {
        process.env.CONTAIN_NETWORK = "nacl";
        const containment = await contain();
        expect(Object.values(account.ec2.vpc.acls)).to.deep.equal(["acl-isolation-1", "acl-isolation-1"]);
        expect(containment.networkAclId).to.equal("acl-isolation-1");
        expect(containment.uncut.join()).to.contain("tgw-1").and.not.contain("nat-1");
        await contain();
        expect(account.ec2.vpc.isolationAcls).to.have.length(1);
    });

    it("says of a spot instance what it cannot be protected from", async () => {
        account.lifecycle = "spot";
        expect(outcomes(await contain(), "protectSpot")).to.deep.equal(["not-needed"]);
        expect(account.attributes.disableApiTermination).to.equal(false);
    });
});
