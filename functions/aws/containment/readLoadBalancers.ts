/** With which load balancers an instance is registered. ELB's bucket of Describe calls is the account's own: 40, refilled by 10 a second. */
import { setTimeout } from "node:timers/promises";
import type { Instance } from "@aws-sdk/client-ec2";
import {
    ElasticLoadBalancingClient,
    paginateDescribeLoadBalancers as paginateClassicLoadBalancers,
    type LoadBalancerDescription,
} from "@aws-sdk/client-elastic-load-balancing";
import {
    DescribeTargetHealthCommand,
    ElasticLoadBalancingV2Client,
    paginateDescribeTargetGroups,
    type TargetGroup,
    type TargetHealthDescription,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { InstanceState } from "../../domain/instanceState";
import { mostAsked } from "../../domain/targetGroupsToAsk";
import { errorCode } from "../errors";
import { log } from "../handler";
import { mapConcurrently } from "../mapConcurrently";
import { lookUp } from "../trail";
import type { Victim } from "../victim";
import { collect, longestThrottling, patient } from "./patience";

const networkProtocols = ["TCP", "UDP", "TLS", "TCP_UDP"];

/** All target groups of the account and Region. */
export const listTargetGroups = (victim: Victim): Promise<TargetGroup[]> =>
    collect(paginateDescribeTargetGroups({ client: victim.client(ElasticLoadBalancingV2Client) }, {}), (page) => page.TargetGroups);

/** Those of the instance's VPC that can hold it. */
export const targetGroupsOf = (groups: readonly TargetGroup[], { VpcId }: Instance): TargetGroup[] =>
    groups.filter((each) => each.VpcId === VpcId && each.TargetType !== "lambda" && each.TargetType !== "alb");

/** All classic load balancers of the account and Region. */
export const listClassic = (victim: Victim): Promise<LoadBalancerDescription[]> =>
    collect(
        paginateClassicLoadBalancers({ client: victim.client(ElasticLoadBalancingClient) }, {}),
        (page) => page.LoadBalancerDescriptions,
    );

/** Names of those that the instance is registered with. */
export const classicOf = (all: readonly LoadBalancerDescription[], { ref }: Victim): string[] =>
    all.filter(({ Instances }) => Instances?.some((one) => one.InstanceId === ref.instanceId)).map((each) => each.LoadBalancerName!);

const askForHealth = async (victim: Victim, TargetGroupArn: string): Promise<TargetHealthDescription[]> =>
    (await victim.client(ElasticLoadBalancingV2Client).send(new DescribeTargetHealthCommand({ TargetGroupArn })))
        .TargetHealthDescriptions ?? [];

/** Registrations of the instance in target groups, by its id or by an address of its interfaces. A group that cannot be read is named. */
export async function readTargets(
    victim: Victim,
    groups: readonly TargetGroup[],
    { NetworkInterfaces = [] }: Instance,
    unread: string[],
    ask: (arn: string) => Promise<TargetHealthDescription[]> = (arn) => askForHealth(victim, arn),
    within = longestThrottling,
): Promise<InstanceState["targets"]> {
    const addresses = NetworkInterfaces.flatMap(({ PrivateIpAddresses = [] }) =>
        PrivateIpAddresses.map(({ PrivateIpAddress }) => PrivateIpAddress!),
    );
    const wanted = new Set([victim.ref.instanceId, ...addresses]);
    const deadline = Date.now() + within;
    const missed: string[] = [];
    const targets = await mapConcurrently(groups, 5, async (group) => {
        try {
            const health = await patient(() => ask(group.TargetGroupArn!), deadline);
            return health
                .filter((each) => wanted.has(each.Target?.Id ?? "") && each.TargetHealth?.State !== "draining")
                .map((each) => ({
                    targetGroupArn: group.TargetGroupArn!,
                    targetId: each.Target!.Id!,
                    port: each.Target!.Port ?? group.Port ?? 0,
                    networkLoadBalancer: networkProtocols.includes(group.Protocol ?? ""),
                }));
        } catch (error) {
            missed.push(errorCode(error));
            return [];
        }
    });
    if (missed.length > 0)
        unread.push(`the targets of ${missed.length} of ${groups.length} target groups (${[...new Set(missed)].join(", ")})`);
    return targets.flat();
}

/** Milliseconds between two questions about target groups: half of what ELB's bucket gets back is left to the account. */
const betweenQuestions = 200;
/** Questions that may come at once. */
const burst = 10;

/**
 * What one run of the watch reads of the load balancers of accounts, once for all their instances that stand contained, at a pace that leaves ELB's
 * bucket to the account.
 */
export class LoadBalancersOfRun {
    private readonly read = new Map<string, Promise<unknown>>();
    private readonly next = new Map<string, number>();

    private once<T>({ ref }: Victim, what: string, read: () => Promise<T>): Promise<T> {
        const key = `${ref.accountId}/${ref.region}/${what}`;
        if (!this.read.has(key)) this.read.set(key, read());
        return this.read.get(key) as Promise<T>;
    }

    private async turn({ ref }: Victim): Promise<void> {
        const place = `${ref.accountId}/${ref.region}`;
        const now = Date.now();
        const at = Math.max(this.next.get(place) ?? 0, now - burst * betweenQuestions);
        this.next.set(place, at + betweenQuestions);
        if (at > now) await setTimeout(at - now);
    }

    private health = (victim: Victim, arn: string) =>
        this.once(victim, arn, async () => {
            await this.turn(victim);
            return askForHealth(victim, arn);
        });

    /** Target groups that somebody registered something in, as CloudTrail has it by now: a hint, where to look first. */
    private named = (victim: Victim, since: string) =>
        this.once(victim, "registrations", async () => {
            try {
                const events = await lookUp(victim, { attribute: "EventName", value: "RegisterTargets", since, pages: 2 });
                return events.flatMap(({ requestParameters }) => {
                    const arn = requestParameters?.targetGroupArn;
                    return typeof arn === "string" ? [arn] : [];
                });
            } catch (error) {
                log("CloudTrail did not say what was registered", { instance: victim.ref.instanceId, error: errorCode(error) });
                return [];
            }
        });

    /**
     * Registrations of the instance in the target groups that `pick` names of its VPC's, and with every classic load balancer.
     *
     * @param since ISO 8601: what CloudTrail is asked about
     * @param pick given the VPC's groups, and those that CloudTrail names
     * @throws where AWS is too busy, or refuses
     */
    async registrations(
        victim: Victim,
        instance: Instance,
        since: string,
        pick: (arns: readonly string[], named: readonly string[]) => ReadonlySet<string>,
    ): Promise<Pick<InstanceState, "targets" | "classicLoadBalancers">> {
        const [all, classic] = await Promise.all([
            this.once(victim, "target groups", () => listTargetGroups(victim)),
            this.once(victim, "classic load balancers", () => listClassic(victim)),
        ]);
        const groups = targetGroupsOf(all, instance);
        // Where one look comes to all of them, nobody needs to say where to look first.
        const named = groups.length > mostAsked ? await this.named(victim, since) : [];
        const picked = pick(
            groups.map((each) => each.TargetGroupArn!),
            named,
        );
        const missed: string[] = [];
        const targets = await readTargets(
            victim,
            groups.filter((each) => picked.has(each.TargetGroupArn!)),
            instance,
            missed,
            (arn) => this.health(victim, arn),
            0,
        );
        if (missed.length > 0) throw Object.assign(new Error(missed.join("; ")), { name: /\(([^,)]*)/.exec(missed[0]!)?.[1] ?? "" });
        return { targets, classicLoadBalancers: classicOf(classic, victim) };
    }
}
