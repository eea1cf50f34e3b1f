import { expect } from "chai";
import fc from "fast-check";
import { handler as isolate } from "../../functions/isolateInstance";
import { handler as releaseHandler } from "../../functions/releaseInstance";
import { handler as watchHandler } from "../../functions/watchContainment";
import { openRecord, replaceRecord, standingIncident } from "../../functions/aws/incidentsTable";
import { changeStanding, readStanding } from "../../functions/aws/standingContainments";
import { newRecord } from "../../functions/domain/incidentRecord";
import {
    deniedInstances,
    denyPolicyName,
    isRevocationLive,
    revokedBefore,
    revokeOlderSessions,
    revokePolicyName,
} from "../../functions/domain/planCredentialDeny";
import { LoadBalancersOfRun } from "../../functions/aws/containment/readLoadBalancers";
import { victimOf } from "../../functions/aws/victim";
import { mostAsked, targetGroupsToAsk } from "../../functions/domain/targetGroupsToAsk";
import type { StandingContainment } from "../../functions/domain/standingContainment";
import { VirtualTime } from "../support/virtualTime";
import { MemberAccount } from "../support/memberAccount";
import { incident, thrown } from "./inMemoryAws";

const { incidentId, instance } = incident;
const anywhere = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };

describe("watchContainment", function () {
    this.timeout(20_000);
    let account: MemberAccount;
    beforeEach(async () => {
        account = new MemberAccount(incident);
        account.install({ NOTIFICATION_TOPIC_ARN: "arn:aws:sns:eu-west-1:111111111111:people", SLACK_WEBHOOK_PARAMETER: "" });
    });
    afterEach(() => account.remove());
    const watch = () => watchHandler({ instance: null }) as Promise<{ standing: number; looked: number }>;
    const contain = () => isolate({ incident });
    const standing = async () => (await readStanding(instance))!;
    /** As it was before addresses were written so that nobody opens them. */
    const told = () => account.published.map(({ Message }) => Message.replaceAll("[.]", "."));
    const isolationOf = ({ groups }: StandingContainment) => groups.isolation!;
    const since = async (change: (read: StandingContainment) => Partial<StandingContainment>) =>
        changeStanding(instance, await standing(), (read) => read && { ...read, ...change(read) });
    const revokingRoles = () => {
        account.remove();
        account.install({
            NOTIFICATION_TOPIC_ARN: "arn:aws:sns:eu-west-1:111111111111:people",
            SLACK_WEBHOOK_PARAMETER: "",
            CONTAIN_CREDENTIALS: "revoke-role",
        });
    };
    const assume = (mode: "approval" | "automatic") => async () => {
        await openRecord(newRecord(incident, 1, mode, incident.openedAt), null);
    };

    it("reads one index and ends where nothing stands", async () => {
        expect(await watch()).to.deep.equal({ standing: 0, looked: 0 });
        expect(account.calls).to.deep.equal(["Query"]);
    });

    it("finds a containment as it was left, tells nobody, and keeps that it looked", async () => {
        await contain();
        account.record.length = 0;
        expect(await watch()).to.deep.equal({ standing: 1, looked: 1 });
        expect(account.published).to.deep.equal([]);
        expect(account.calls.filter((call) => /^(Modify|Put(Role|Object)|Authorize|Revoke|Create|Detach|Lookup)/.test(call))).to.deep.equal(
            [],
        );
        expect((await standing()).check).to.deep.include({ drift: [], repaired: [], state: "running" });
    });

    const drifts: [string, () => Promise<void> | void, RegExp][] = [
        ["an interface's groups", () => void (account.interfaces[0]!.groups = ["sg-app"]), /eni-1 carries sg-app instead of sg-made/],
        [
            "a rule on our group",
            async () => void account.ec2.vpc.groups.find(({ GroupId }) => GroupId === isolationOfNow)!.egress.push(anywhere),
            /isolation group sg-made-\d has rules \(out everything to 0\.0\.0\.0\/0\)/,
        ],
        ["the metadata endpoint", () => void (account.metadata = "enabled"), /metadata endpoint answers/],
        ["the deny gone from the role", () => void account.iam.policies.delete(denyPolicyName), /role app does not deny/],
        [
            "the deny's content",
            () => void account.iam.policies.set(denyPolicyName, '{"Version":"2012-10-17","Statement":[]}'),
            /role app has a policy of our name with other content/,
        ],
        ["termination protection", () => void (account.attributes.disableApiTermination = false), /termination protection is off/],
        ["stop protection", () => void (account.attributes.disableApiStop = false), /stop protection is off/],
        [
            "the shutdown behaviour",
            () => void (account.attributes.instanceInitiatedShutdownBehavior = "terminate"),
            /shutdown from inside terminates/,
        ],
        ["a volume's deletion", () => void (account.deleteOnTermination["/dev/xvda"] = true), /vol-vda would be deleted/],
        ["the Auto Scaling group", () => void (account.autoScaling = "InService"), /in the Auto Scaling group app/],
        [
            "a target group",
            () => void (account.loadBalancing.targets = ["web"]),
            /:80 is registered in the target group arn:aws:elasticloadbalancing/,
        ],
        [
            "a classic load balancer",
            () => void account.loadBalancing.classic.push("other"),
            /registered with the classic load balancer other/,
        ],
        [
            "how long idle connections live",
            () => void (account.interfaces[0]!.timeout = undefined),
            /idle connections of eni-1 live for 432000 s again instead of 60/,
        ],
        [
            "an interface that was attached since",
            () => void account.interfaces.push({ id: "eni-3", subnet: "subnet-a", groups: ["sg-app"], timeout: undefined }),
            /eni-3 was attached since and carries sg-app/,
        ],
    ];
    let isolationOfNow = "";
    for (const [what, drift, said] of drifts)
        it(`tells of ${what} once, and puts it back`, async () => {
            await contain();
            isolationOfNow = isolationOf(await standing());
            await drift();
            await watch();
            expect(told()).to.have.length(1);
            expect(told()[0]).to.match(said).and.contain("Put back").and.contain("drifted and was put back");
            const after = await standing();
            expect(after.drifts.map(({ outcome }) => outcome)).to.deep.equal(after.drifts.map(() => "put-back"));
            expect(after.drifts.every(({ toldAt }) => toldAt !== null)).to.equal(true);
            expect(account.interfaces.map(({ groups }) => groups)).to.deep.equal(account.interfaces.map(() => [isolationOf(after)]));
            expect(deniedInstances(account.iam.policies.get(denyPolicyName)!)).to.have.length(1);
            await watch();
            expect(told(), "told a second time").to.have.length(1);
            expect((await standing()).check!.drift).to.deep.equal([]);
            expect([...account.objects.keys()].filter((key) => key.includes("/watch/"))).to.have.length(1);
        });

    it("suspends the processes again of a group that would not let it go", async () => {
        account.autoScaling = "Warmed:Stopped";
        await contain();
        expect(account.autoScalingGroup.suspendedProcesses).to.include("Terminate");
        account.autoScalingGroup.suspendedProcesses = ["ReplaceUnhealthy"];
        await watch();
        expect(told()[0])
            .to.match(/Terminate, AZRebalance, InstanceRefresh of the Auto Scaling group app.*run again/)
            .and.contain("put back");
        expect(account.autoScalingGroup.suspendedProcesses).to.include("Terminate");
        await watch();
        expect(told()).to.have.length(1);
    });

    it("takes a role that was deleted for void, and denies it when it was made again under its name", async () => {
        account.iam.otherRoles.set("admin", new Map());
        account.iam.profiles.admin = "admin";
        account.profile = "admin";
        await contain();
        account.iam.otherRoles.delete("admin");
        await watch();
        expect(told()).to.deep.equal([]);
        account.iam.otherRoles.set("admin", new Map());
        await watch();
        expect(told()[0]).to.contain("role admin does not deny").and.contain("drifted and was put back");
        expect(deniedInstances(account.iam.otherRoles.get("admin")!.get(denyPolicyName)!)).to.have.length(1);
    });

    for (const [what, undo, said] of [
        ["gone", (moment: string) => (void moment, account.iam.policies.delete(revokePolicyName)), /does not deny the sessions any more/],
        [
            "set to an earlier moment",
            (moment: string) =>
                account.iam.policies.set(revokePolicyName, revokeOlderSessions(new Date(Date.parse(moment) - 60_000).toISOString())),
            /does not deny the sessions any more/,
        ],
        [
            "somebody else's",
            (_: string) => account.iam.policies.set(revokePolicyName, '{"Version":"2012-10-17","Statement":[]}'),
            /has other content in the policy that denied the sessions/,
        ],
    ] as const)
        it(`tells that the deny of a role's older sessions is ${what}, and denies them again as of then, not those that others opened since`, async () => {
            revokingRoles();
            await contain();
            const policy = account.iam.policies.get(revokePolicyName)!;
            const { revoked } = await standing();
            expect(revoked).to.deep.equal([{ role: "app", before: revokedBefore(policy) }]);
            await watch();
            expect(told()).to.deep.equal([]);
            undo(revoked[0]!.before);
            await watch();
            expect(told()).to.have.length(1);
            expect(told()[0]).to.match(said).and.contain("drifted and was put back");
            expect(account.iam.policies.get(revokePolicyName)).to.equal(policy);
            await watch();
            expect(told()).to.have.length(1);
        });

    it("keeps the deny of older sessions that another incident wrote later, and lets it be once all of them have ended", async () => {
        revokingRoles();
        await contain();
        const { before } = (await standing()).revoked[0]!;
        const later = revokeOlderSessions(new Date(Date.parse(before) + 60_000).toISOString());
        account.iam.policies.set(revokePolicyName, later);
        await watch();
        expect([told(), account.iam.policies.get(revokePolicyName)]).to.deep.equal([[], later]);
        // No session of a role lives for longer than twelve hours.
        expect(isRevocationLive(before, new Date(Date.parse(before) + 12 * 3_600_000 - 1).toISOString())).to.equal(true);
        expect(isRevocationLive(before, new Date(Date.parse(before) + 12 * 3_600_000).toISOString())).to.equal(false);
    });

    it("does not take a load balancer that AWS is too busy to tell of for one that let it go", async () => {
        await assume("approval")();
        await isolate({ incident, answer: { approved: true, by: "arn:alice", reason: null } });
        account.loadBalancing.targets = ["web"];
        await watch();
        expect(told()).to.have.length(1);
        account.refusals.set("DescribeTargetHealth", "Throttling");
        await watch();
        expect((await standing()).drifts.map(({ outcome }) => outcome)).to.deep.equal(["stands"]);
        account.refusals.clear();
        await watch();
        expect(told()).to.have.length(1);
    });

    it("asks about every target group in turn, and at each look about those that it must", async () => {
        await contain();
        const stands = await standing();
        const [must] = stands.record.targets.map((each) => each.targetGroupArn);
        fc.assert(
            fc.property(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 1e6 }), (count, from) => {
                const arns = [must!, ...Array.from({ length: count }, (_, index) => `arn:group/${index}`)];
                const asked = new Set<string>();
                for (let look = 0; look <= count / mostAsked; look++) {
                    const now = targetGroupsToAsk(stands, arns, from + look);
                    expect(now.size).to.be.at.most(mostAsked + 1);
                    expect(now.has(must!)).to.equal(true);
                    now.forEach((each) => asked.add(each));
                }
                expect(asked.size).to.equal(arns.length);
            }),
        );
    });

    describe("among 300 target groups", () => {
        const time = new VirtualTime();
        const arnOf = (index: number) => `arn:aws:elasticloadbalancing:eu-west-1:${instance.accountId}:targetgroup/g${index}/1`;
        /** Where somebody registered the instance. */
        let evil: number | null;
        let asked: string[];
        beforeEach(async () => {
            await contain();
            evil = null;
            asked = [];
            const answer = account.answer.bind(account);
            account.answer = (name, input) => {
                const at = input.TargetGroupArn as string;
                if (name === "DescribeTargetGroups")
                    return {
                        TargetGroups: Array.from({ length: 300 }, (_, index) => ({
                            TargetGroupArn: arnOf(index),
                            VpcId: "vpc-1",
                            TargetType: "instance",
                            Protocol: "HTTP",
                            Port: 80,
                        })),
                    };
                if (name === "DeregisterTargets") evil = null;
                if (name === "DescribeTargetHealth") {
                    asked.push(at);
                    const Target = { Id: instance.instanceId, Port: 80 };
                    return { TargetHealthDescriptions: evil !== null && at === arnOf(evil) ? [{ Target }] : [] };
                }
                return answer(name, input);
            };
            time.install();
        });
        afterEach(() => time.remove());
        /** Registers it in a group whose turn is far off. @param isTold whether CloudTrail has it by now */
        const register = async (isTold: boolean) => {
            await watch();
            evil = Array.from({ length: 300 }, (_, index) => index).find((each) => !asked.includes(arnOf(each)))!;
            time.skip(300_000);
            const { eventName, ...record } = { eventName: "RegisterTargets", requestParameters: { targetGroupArn: arnOf(evil) } };
            if (isTold)
                account.cloudTrail.trail.push({ resources: [], record: { eventName, eventTime: "2026-11-20T10:00:00Z", ...record } });
            asked = [];
        };

        it("asks at once about those that CloudTrail says something was registered in", async () => {
            await register(true);
            const arn = arnOf(evil!);
            await watch();
            expect(told()[0]).to.contain(`is registered in the target group ${arn}`).and.contain("drifted and was put back");
        });

        it("comes to each within half an hour where CloudTrail says nothing, and leaves ELB's bucket half of what it gets back", async () => {
            await register(false);
            const arn = arnOf(evil!);
            for (let look = 0; told().length === 0 && look < 6; look++) {
                const [from, before] = [Date.now(), asked.length];
                await watch();
                if (told().length === 0) {
                    expect(asked.length - before).to.be.at.most(mostAsked + 1);
                    expect(Date.now() - from).to.be.at.least((mostAsked - 11) * 200);
                }
                time.skip(300_000);
            }
            expect(told()[0]).to.contain(arn);
        });

        it("asks once for all instances of an account that one run looks at", async () => {
            const ask = new LoadBalancersOfRun();
            const one = victimOf(instance, incidentId);
            const pick = (arns: readonly string[]) => new Set(arns.slice(0, 5));
            const described = { VpcId: "vpc-1" };
            await Promise.all([1, 2, 3].map(() => ask.registrations(one, described, "2026-11-20T10:00:00Z", pick)));
            expect(asked).to.have.length(5);
        });
    });

    it("counts since when it is cut anew from the last cut, by which evidence is judged, and from nothing else", async () => {
        await contain();
        const first = (await standing()).settledAt!;
        account.metadata = "enabled";
        await watch();
        expect((await standing()).settledAt).to.equal(first);
        account.interfaces[0]!.groups = ["sg-app"];
        await watch();
        expect((await standing()).settledAt! > first).to.equal(true);
    });

    it("keeps the credentials denied where the network alone was given back, and leaves the network alone", async () => {
        await contain();
        await releaseHandler({ incidentId, acceptRisk: "a test", networkOnly: true });
        account.published.length = 0;
        expect(await watch()).to.deep.equal({ standing: 1, looked: 1 });
        expect(account.published).to.deep.equal([]);
        account.interfaces[1]!.groups = ["sg-new"];
        account.iam.policies.delete(denyPolicyName);
        account.metadata = "enabled";
        await watch();
        expect(told()).to.have.length(1);
        expect(told()[0]).to.contain("role app does not deny").and.contain("drifted and was put back");
        expect([account.metadata, deniedInstances(account.iam.policies.get(denyPolicyName)!).length]).to.deep.equal(["disabled", 1]);
        expect(account.interfaces.map(({ groups }) => groups)).to.deep.equal([["sg-app", "sg-ssh"], ["sg-new"]]);
    });

    it("puts the network ACL back that somebody took away or opened", async () => {
        process.env.CONTAIN_NETWORK = "nacl";
        await contain();
        account.ec2.vpc.acls["subnet-a"] = "acl-own";
        await watch();
        expect(account.ec2.vpc.acls["subnet-a"]).to.equal("acl-isolation-1");
        expect(told()[0]).to.contain("subnet-a has the network ACL acl-own");
        account.ec2.vpc.aclLetsThrough = true;
        account.ec2.vpc.onDescribeNetworkAcls = ((real) => (input: never) => {
            const answer = real(input) as { NetworkAcls: { NetworkAclId: string; Entries: { RuleAction: string }[] }[] };
            for (const acl of answer.NetworkAcls) if (acl.NetworkAclId === "acl-isolation-1") acl.Entries.push({ RuleAction: "allow" });
            return answer;
        })(account.ec2.vpc.onDescribeNetworkAcls.bind(account.ec2.vpc));
        await watch();
        expect(told()[1]).to.contain("acl-isolation-1 lets something through");
        expect(account.ec2.vpc.acls).to.deep.equal({ "subnet-a": "acl-isolation-2", "subnet-b": "acl-isolation-2" });
    });

    it("tells once of what it cannot put back, and of nothing else at later looks", async () => {
        await contain();
        account.refusals.set("ModifyNetworkInterfaceAttribute", "UnauthorizedOperation");
        account.interfaces[0]!.groups = ["sg-app"];
        await watch();
        expect(told()[0])
            .to.contain("Containment is undone")
            .and.contain("Why it could not be put back")
            .and.contain("UnauthorizedOperation");
        await watch();
        expect(told()).to.have.length(1);
        account.refusals.clear();
        await watch();
        expect(told()).to.have.length(2);
        expect(told()[1]).to.contain("drifted and was put back");
    });

    it("names who did it as CloudTrail has it, also when CloudTrail is late, and never ourselves", async () => {
        await contain();
        account.interfaces[0]!.groups = ["sg-app"];
        await watch();
        expect(told()[0]).to.contain("CloudTrail does not say who did it, or not yet");
        const event = (arn: string, userName: string) => ({
            resources: ["eni-1"],
            record: {
                eventName: "ModifyNetworkInterfaceAttribute",
                eventTime: "2026-11-28T12:00:00Z",
                sourceIPAddress: "198.51.100.7",
                userIdentity: { type: "AssumedRole", arn, sessionContext: { sessionIssuer: { userName } } },
            },
        });
        account.cloudTrail.trail = [
            event("arn:aws:sts::222222222222:assumed-role/clean-room-responder/i-1", "clean-room-responder"),
            event("arn:aws:sts::222222222222:assumed-role/admin/mallory", "admin"),
        ];
        account.interfaces[1]!.groups = ["sg-app"];
        account.cloudTrail.trail[1]!.resources.push("eni-2");
        await watch();
        expect(told()[1]).to.contain("assumed-role/admin/mallory by ModifyNetworkInterfaceAttribute").and.contain("198.51.100.7");
        expect((await standing()).drifts.at(-1)!.by).to.contain("mallory");
    });

    it("follows up when CloudTrail names who did what still stands", async () => {
        await contain();
        account.ec2.vpc.otherInterfaces.push({ id: "eni-9", subnet: "subnet-a", groups: [isolationOf(await standing())] });
        await watch();
        expect(told()[0]).to.contain("eni-9, which is not the instance's, carries our group");
        account.cloudTrail.trail = [
            {
                resources: ["eni-9"],
                record: { eventName: "ModifyNetworkInterfaceAttribute", eventTime: "t", userIdentity: { arn: "arn:eve" } },
            },
        ];
        await watch();
        expect(told()).to.have.length(2);
        expect(told()[1]).to.contain("Done by arn:eve");
        await watch();
        expect(told()).to.have.length(2);
    });

    it("tells of a stop and a start between two looks, each once, and of a new address", async () => {
        await contain();
        await watch();
        account.state = "stopped";
        await watch();
        expect(told()[0]).to.contain("the instance is stopped");
        account.state = "running";
        account.launchTime = new Date("2026-11-28T12:00:00.000Z");
        account.publicIp = "203.0.113.9";
        await watch();
        expect(told()[1]).to.contain("stopped and started again at 2026-11-28T12:00:00.000Z").and.contain("has got 203.0.113.9");
        await watch();
        expect(told()).to.have.length(2);
    });

    it("denies the role of a profile that was put in its place, and takes both denies out at the release", async () => {
        await contain();
        account.iam.otherRoles.set("admin", new Map());
        account.iam.profiles.admin = "admin";
        account.profile = "admin";
        await watch();
        expect(deniedInstances(account.iam.otherRoles.get("admin")!.get(denyPolicyName)!)).to.have.length(1);
        expect((await standing()).roles).to.deep.equal(["admin", "app"]);
        await releaseHandler({ incidentId, force: true, acceptRisk: "a test" });
        expect(account.iam.otherRoles.get("admin")!.has(denyPolicyName)).to.equal(false);
        expect(account.iam.policies.has(denyPolicyName)).to.equal(false);
    });

    for (const networkOnly of [false, true])
        it(`denies also the role of a profile that it had between two looks${networkOnly ? ", where the network was given back" : ""}`, async () => {
            await contain();
            if (networkOnly) await releaseHandler({ incidentId, acceptRisk: "a test", networkOnly });
            for (const name of ["admin", "harmless"]) {
                account.iam.otherRoles.set(name, new Map());
                account.iam.profiles[name] = name;
            }
            account.profile = "harmless";
            account.cloudTrail.trail.push({
                resources: [instance.instanceId],
                record: {
                    eventName: "AssociateIamInstanceProfile",
                    eventTime: "2026-11-28T12:00:00Z",
                    requestParameters: {
                        InstanceId: instance.instanceId,
                        IamInstanceProfile: { Arn: `arn:aws:iam::${instance.accountId}:instance-profile/admin` },
                    },
                },
            });
            await watch();
            for (const name of ["admin", "harmless"])
                expect(deniedInstances(account.iam.otherRoles.get(name)!.get(denyPolicyName) ?? null), name).to.have.length(1);
            expect((await standing()).roles).to.deep.equal(["admin", "app", "harmless"]);
        });

    it("says that it may not look, and that the instance is gone, once each", async () => {
        await contain();
        account.refusals.set("DescribeInstances", "AccessDenied");
        await watch();
        await watch();
        expect(told()).to.have.length(1);
        expect(told()[0]).to.contain("does not let us look").and.contain("Containment is undone");
        account.refusals.clear();
        account.state = "terminated";
        await watch();
        await watch();
        expect(told()).to.have.length(2);
        expect(told()[1]).to.contain("the instance is gone");
    });

    it("names what it may not read and looks at the rest", async () => {
        await contain();
        account.refusals.set("GetRolePolicy", "AccessDenied");
        account.metadata = "enabled";
        await watch();
        expect(told()[0]).to.contain("the policy of the role app (AccessDenied)").and.contain("metadata endpoint answers");
        expect(account.metadata).to.equal("disabled");
    });

    it("puts nothing back where the rules ask a person", async () => {
        await assume("approval")();
        await isolate({ incident, answer: { approved: true, by: "arn:alice", reason: null } });
        await since(() => ({ settledAt: new Date().toISOString() }));
        account.metadata = "enabled";
        await watch();
        expect(account.metadata).to.equal("enabled");
        expect(told()[0]).to.contain("The rules ask a person").and.contain("Containment is undone").and.contain("to the findings topic");
    });

    it("puts back where a finding that joined asks nobody", async () => {
        await assume("approval")();
        await isolate({ incident, answer: { approved: true, by: "arn:alice", reason: null } });
        const record = (await standingIncident(instance))!;
        await replaceRecord({ ...record, findings: [...record.findings, { ...record.findings[0]!, id: "graver", mode: "automatic" }] });
        account.metadata = "enabled";
        await watch();
        expect(account.metadata).to.equal("disabled");
    });

    it("does not work against a release, nor before a containment had its time, and tells of a release that did not end", async () => {
        await contain();
        await since(() => ({ releasingAt: new Date().toISOString() }));
        account.metadata = "enabled";
        await watch();
        expect([account.metadata, told()]).to.deep.equal(["enabled", []]);
        await since(() => ({ releasingAt: new Date(Date.now() - 1_000_000).toISOString() }));
        await watch();
        expect(account.metadata).to.equal("enabled");
        expect(told()[0]).to.contain("a release began");
        await since(() => ({ releasingAt: null, settledAt: null }));
        await watch();
        expect(told()).to.have.length(1);
    });

    it("lets no release begin while it puts something back", async () => {
        await contain();
        await since(() => ({ repairingUntil: new Date(Date.now() + 60_000).toISOString() }));
        expect((await thrown(releaseHandler({ incidentId, acceptRisk: "a test" }))).name).to.equal("Transient");
        await since(() => ({ repairingUntil: null }));
        await releaseHandler({ incidentId, acceptRisk: "a test" });
        account.published.length = 0;
        expect(await watch()).to.deep.equal({ standing: 0, looked: 0 });
        expect(account.published).to.deep.equal([]);
    });

    it("tells once when two runs look at the same moment", async () => {
        await contain();
        account.metadata = "enabled";
        await Promise.all([watch(), watch(), watchHandler({ instance })]);
        expect(told()).to.have.length(1);
        expect(account.metadata).to.equal("disabled");
    });

    it("tells what a run that broke off had found and told nobody", async () => {
        await contain();
        account.refusals.set("Publish", "InternalError");
        account.metadata = "enabled";
        expect((await thrown(watch())).message, "an alarm rings").to.contain("people could not be told of drift");
        account.refusals.clear();
        await since(({ drifts: known }) => ({
            drifts: known.map((each) => ({ ...each, since: new Date(Date.now() - 600_000).toISOString() })),
        }));
        await watch();
        expect(told()).to.have.length(1);
        expect(told()[0]).to.contain("metadata endpoint");
    });

    it("fails, so that an alarm rings, when an instance could not be looked at for a quarter of an hour, and looks at the others", async () => {
        await contain();
        account.refusals.set("DescribeInstances", "InternalError");
        expect(await watch()).to.deep.equal({ standing: 1, looked: 0 });
        await since(({ check }) => ({ check, begunAt: new Date(Date.now() - 3_600_000).toISOString() }));
        expect((await thrown(watch())).message).to.contain("1 of 1 containments could not be looked at");
    });
});
