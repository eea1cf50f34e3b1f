/**
 * AWS's documented token buckets, an account each, in virtual time; the emulator has the same (localemu-plugin/clean_room_localemu/faults/buckets.py).
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
 */
import type { Request } from "./wire";

/** Tokens at most, and tokens a second. */
const [reading, readingAll, changing, loadBalancing] = [
    [100, 20],
    [50, 10],
    [50, 5],
    [40, 10],
] as const;
/** LookupEvents answers twice a second. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html */
const trail = [2, 2] as const;
/** Reads that take from the smaller bucket when they name neither a filter nor a page. */
const unfiltered = new Set([
    "DescribeInstances",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
    "DescribeSnapshots",
    "DescribeVolumes",
]);

function bucketOf({ service, operation, input }: Request): { name: string; size: number; refill: number } | null {
    const of = (name: string, [size, refill]: readonly [number, number]) => ({ name, size, refill });
    const reads = /^(Describe|List|Search|Get)/.test(operation);
    if (service.startsWith("ElasticLoadBalancing")) return reads ? of(`${service} reading`, loadBalancing) : null;
    if (operation === "LookupEvents") return of(operation, trail);
    if (service !== "EC2") return null;
    if (!reads) return of(operation, changing);
    const named = input.Filters ?? input.Filter ?? input.MaxResults ?? input.NextToken;
    return unfiltered.has(operation) && named === undefined ? of(`${operation} of all`, readingAll) : of(operation, reading);
}

export class Buckets {
    /** Calls that found no token, by account and operation. */
    readonly refused = new Map<string, number>();
    private readonly buckets = new Map<string, { tokens: number; at: number }>();

    /** Takes a token. Services without documented buckets always admit. */
    admits(request: Request): boolean {
        const kind = bucketOf(request);
        if (kind === null) return true;
        const key = `${request.accountId} ${kind.name}`;
        const bucket = this.buckets.get(key) ?? { tokens: kind.size, at: Date.now() };
        bucket.tokens = Math.min(kind.size, bucket.tokens + ((Date.now() - bucket.at) / 1000) * kind.refill);
        bucket.at = Date.now();
        this.buckets.set(key, bucket);
        if (bucket.tokens >= 1) {
            bucket.tokens -= 1;
            return true;
        }
        this.refused.set(request.operation, (this.refused.get(request.operation) ?? 0) + 1);
        return false;
    }
}
