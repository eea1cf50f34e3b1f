/**
 * Several instances of one member account, in one VPC and with one role, under the AWS SDK's clients: calls go to the instance that they
 * name, groups, policies and the forensics account's stores are everybody's. AWS may be busy, and show a change late.
 */
import type { Incident } from "../../functions/domain/containers";
import { awsError } from "./aws/errors";
import { MemberAccount } from "./memberAccount";

type Input = Record<string, unknown>;
/** Milliseconds after which a change shows, however seldom it was looked for. */
const longestLag = 5000;

export class MemberEstate {
    readonly members: MemberAccount[];
    /** Asked at each call of the member account: whether AWS is too busy for it. */
    isBusy: () => boolean = () => false;
    /** Asked at each change of an interface: how many readings still show the instance as it was. */
    lag: () => number = () => 0;
    /** Target groups of the VPC. ELB answers Describe calls from a bucket of 40, refilled by 10 a second. */
    targetGroups = 0;
    private readonly elb = { tokens: 40, at: Date.now() };
    /** Called when an instance's last interface is cut. */
    onCut: (member: MemberAccount) => void = () => undefined;
    private readonly stale = new Map<MemberAccount, { seen: unknown; left: number; until: number }>();

    constructor(incidents: readonly Incident[]) {
        const [one, ...others] = incidents as [Incident, ...Incident[]];
        const first = new MemberAccount(one);
        this.members = [first, ...others.map((each, index) => new MemberAccount(each, { account: first, suffix: `-${index + 1}` }))];
        for (const { loadBalancing } of this.members) Object.assign(loadBalancing, { targets: [], classic: [] });
        const answer = first.answer.bind(first);
        first.answer = (name, input) => this.route(name, input, answer);
    }

    get shared(): MemberAccount {
        return this.members[0]!;
    }

    private owner(input: Record<string, unknown>): MemberAccount | undefined {
        const { InstanceId, InstanceIds, NetworkInterfaceId } = input as {
            InstanceId?: string;
            InstanceIds?: string[];
            NetworkInterfaceId?: string;
        };
        const id = InstanceId ?? InstanceIds?.[0];
        return this.members.find(
            (each) => each.incident.instance.instanceId === id || each.interfaces.some((one) => one.id === NetworkInterfaceId),
        );
    }

    private route(name: string, input: Input, answer: MemberAccount["answer"]): unknown {
        const ofForensics = /^(GetItem|PutItem|UpdateItem|Query|TransactWriteItems|PutObject|GetObject|Publish)$/.test(name);
        if (!ofForensics && this.isBusy()) throw awsError("RequestLimitExceeded");
        if (/^DescribeTarget/.test(name)) return this.targets(name);
        if (name === "DescribeLoadBalancers") return { LoadBalancerDescriptions: [] };
        const member = this.owner(input);
        if (member === undefined) return answer(name, input);
        if (name === "ModifyNetworkInterfaceAttribute" && (input as { Groups?: unknown }).Groups) {
            const left = this.lag();
            if (left > 0)
                this.stale.set(member, {
                    seen: structuredClone(member.perform("DescribeInstances", { InstanceIds: [member.incident.instance.instanceId] })),
                    left,
                    until: Date.now() + longestLag,
                });
        }
        if (name === "DescribeInstances") {
            const stale = this.stale.get(member);
            if (stale !== undefined && Date.now() < stale.until && stale.left-- > 0) return stale.seen;
        }
        const answered = member.perform(name, input);
        if (name === "ModifyNetworkInterfaceAttribute" && (input as { Groups?: unknown }).Groups && this.isCut(member)) this.onCut(member);
        return answered;
    }

    private isCut({ interfaces }: MemberAccount): boolean {
        const ruleless = new Set(
            this.shared.ec2.vpc.groups.filter(({ ingress, egress }) => ingress.length + egress.length === 0).map(({ GroupId }) => GroupId),
        );
        return interfaces.every(({ groups }) => groups.length === 1 && ruleless.has(groups[0]!));
    }

    private targets(name: string): unknown {
        const now = Date.now();
        this.elb.tokens = Math.min(40, this.elb.tokens + ((now - this.elb.at) / 1000) * 10);
        this.elb.at = now;
        if (this.elb.tokens < 1) throw awsError("Throttling");
        this.elb.tokens -= 1;
        if (name === "DescribeTargetHealth") return { TargetHealthDescriptions: [] };
        return {
            TargetGroups: Array.from({ length: this.targetGroups }, (_, index) => ({
                TargetGroupArn: `arn:aws:elasticloadbalancing:eu-west-1:222222222222:targetgroup/web/${index}`,
                VpcId: "vpc-1",
                TargetType: "instance",
                Protocol: "HTTP",
                Port: 80,
            })),
        };
    }
}
