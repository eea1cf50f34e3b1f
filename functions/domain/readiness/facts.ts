/** What was found out about a deployment, question by question, before anything is judged. */

/** An answer of AWS, or why there is none. What could not be asked is never taken for well. */
export type Seen<T> = { value: T } | { unseen: string };

/** Asks, and keeps the reason where there is no answer. */
export async function seen<T>(question: Promise<T>): Promise<Seen<T>> {
    try {
        return { value: await question };
    } catch (error) {
        const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
        return { unseen: `${name === "Error" ? "" : `${name}: `}${message}`.replaceAll(/\s+/g, " ").slice(0, 300) };
    }
}

/** A member account, as the responder role sees it from this Region. */
export interface MemberFacts {
    accountId: string;
    /** Whether the function could become the responder role there. Nothing else is asked where it could not. */
    assumed: Seen<true>;
    /** Actions of containment, preservation and release that IAM's simulation refuses the role, each with the kind of refusal. */
    refused: Seen<string[]>;
    /** A security group made as a dry run, which meets service control policies too; null: the Region has no VPC, so no instance. */
    dryRun: Seen<{ refusal: string | null } | null>;
    /** Null where there is no detector. */
    detector: Seen<{ status: string; frequency: string } | null>;
    /** State of the rule that forwards findings; null where nothing is forwarded. */
    forwarding: Seen<string | null> | null;
}

export interface ReadinessFacts {
    region: string;
    /** Members that were asked; `unseen` where they could not even be listed. */
    members: Seen<MemberFacts[]>;
    /** Members that there was no time for. */
    membersLeftOut: number;
    image: Seen<{ id: string; architecture: string; state: string }>;
    instanceType: Seen<{ name: string; architectures: string[]; vcpus: number }>;
    /** Zones of the clean room's subnets, and those that offer the type. */
    zones: Seen<{ ours: string[]; offering: string[] }>;
    /** On-demand vCPUs of standard instances that the account may run; null where the type has a quota of its own. */
    vcpuQuota: Seen<number | null>;
    /** Functions that may run at a time in the forensics account and Region. */
    functionsAtOnce: Seen<number>;
    /** Snapshots that the account has in this Region, and may have. */
    snapshots: Seen<{ used: number; quota: number }>;
    /** Interface endpoints of the clean room's VPC and how many it may have; which of those that it needs are not there, and whether an incident makes them. */
    endpoints: Seen<{ used: number; quota: number; missing: string[]; onDemand: boolean }>;
    /** Snapshot copies on their way into this Region; AWS takes 20 at a time, and raises that by a support case alone. */
    pendingCopies: Seen<number>;
    /** `Enabled` when the key may be used, and whether a data key may be made under it. */
    evidenceKey: Seen<{ state: string; usable: Seen<true> }>;
    /** Null where the bucket has no Object Lock. */
    objectLock: Seen<{ mode: string; days: number } | null>;
    wantedLock: { mode: string; days: number };
    /** What Slack answered to a post without text, or with the status null what is wrong with the webhook that the stack has; null where Slack is not configured. */
    slack: Seen<{ status: number | null; answer: string }> | null;
    /** Whether people are told by something that cannot be tried without telling them: a webhook of their own, or a chat application. */
    otherChannels: boolean;
    /** E-mail subscriptions of the topics that people are told by. */
    emails: Seen<{ topic: string; endpoint: string; confirmed: boolean }[]>;
    /** E-mail subscriptions that the configuration asks for, of each topic. */
    wantedEmails: number;
    /** Rules that take findings off a bus, with their archives. */
    rules: { name: string; state: Seen<string | null>; archive: Seen<string | null> }[];
    /** State of the rule by which contained instances are looked at; null where it is gone. */
    watchRule: Seen<string | null>;
    deadLetters: Seen<number>;
    /** Findings that members could not forward; null where nothing is forwarded. */
    forwardDeadLetters: Seen<number> | null;
    /** Instances of the StackSet that are not CURRENT; null where there is no StackSet to ask from here. */
    stackSet: Seen<{ all: number; behind: string[] }> | null;
    /** When a sample finding that was sent came to startIncident; null where none was sent. */
    sample: Seen<{ sentTo: string; seconds: number | null; archived: boolean }> | null;
}
