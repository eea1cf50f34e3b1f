/** What an analysis of disks never looks at, however complete it is: said wherever "done" is said, since silence would be taken for "nothing there". Pure. */
import type { ReportInput } from "./assessment";

export interface Blind {
    /** Some words, as after "never looked at:". */
    what: string;
    /** What could have been seen there. */
    why: string;
}

const deleted = /deleted|free space/i;

/** In the order of what an intruder uses most. */
export function neverLookedAt({ summary, moment }: Pick<ReportInput, "summary" | "moment">): Blind[] {
    const partly = summary?.notLookedAt.find(({ what }) => deleted.test(what));
    return [
        { what: "memory", why: "Running processes, open connections, keys, and programs that were never written to a disk." },
        ...(summary === null || partly
            ? [{ what: "deleted files", why: partly?.why ?? "Whether they were looked for is not known." }]
            : []),
        moment?.trail
            ? {
                  what: "data events, and calls older than 24 hours",
                  why: "Which objects in S3, items and secrets in functions the instance's role read: CloudTrail's data events, where a trail keeps them. Calls in other accounts.",
              }
            : {
                  what: "control plane",
                  why: "What the instance's role and its sessions did in AWS: CloudTrail, in and outside this account.",
              },
        { what: "network", why: "Who it talked to and how much left: VPC flow logs, DNS query logs, load balancer logs, S3 data events." },
        { what: "other instances", why: "Those that share its image, group, key pair or role." },
    ];
}

/** `memory, deleted files, control plane, network, other instances` */
export const neverLookedAtWords = (input: Pick<ReportInput, "summary" | "moment">): string =>
    neverLookedAt(input)
        .map(({ what }) => what)
        .join(", ");
