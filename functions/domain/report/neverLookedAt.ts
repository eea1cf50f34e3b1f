/** What an analysis of disks never looks at, however complete it is: said wherever "done" is said, since silence would be taken for "nothing there". Pure. */
import type { ReportInput } from "./assessment";

export interface Blind {
    /** Some words, as after "never looked at:". */
    what: string;
    /** What could have been seen there. */
    why: string;
}

const deleted = /deleted|free space/i;

/** What of the memory nobody saw, by what was taken of it. */
function ofMemory(summary: ReportInput["summary"]): Blind {
    if (!summary?.volumes.some(({ role }) => role === "memory"))
        return { what: "memory", why: "Running processes, open connections, keys, and programs that were never written to a disk." };
    return summary.checks.some(({ check, itemsLookedAt }) => check === "memory-image" && itemsLookedAt > 0)
        ? {
              what: "structures of the memory image",
              why: "Hooks, keys, and processes that the victim's own kernel hid: the image was searched by rules, Volatility 3 reads the rest (docs/memory.md).",
          }
        : {
              what: "memory of processes",
              why: "Keys, and code that is in memory alone: processes and connections were taken, as the victim's kernel told them. What it did not tell proves nothing.",
          };
}

/** In the order of what an intruder uses most. */
export function neverLookedAt({ summary, moment }: Pick<ReportInput, "summary" | "moment">): Blind[] {
    const partly = summary?.notLookedAt.find(({ what }) => deleted.test(what));
    return [
        ofMemory(summary),
        ...(summary === null || partly
            ? [{ what: "deleted files", why: partly?.why ?? "Whether they were looked for is not known." }]
            : []),
        moment?.trail
            ? {
                  what: "data events, and calls older than 24 hours",
                  why: "Which objects in S3, items and secrets in functions the instance's role read: CloudTrail's data events, where a trail keeps them. Calls in accounts where the responder may not look, which the report names.",
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
