/** Instances told by what names them: an ARN, an id's shape, or the session of an instance's role. Pure. */
import { asObject, parseArn } from "./json";

/** An instance as a document names it, unchecked. What it leaves out is the finding's own. */
export interface Reference {
    instanceId: unknown;
    accountId?: string | null;
    region?: string | null;
}

/** As in {@link instanceIdSchema}, for texts that may be anything. */
const instanceId = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;

/** The instance that an ARN or an id's shape names; null for any other text, whatever a document says it is. */
export function readInstanceName(text: string | null): Reference | null {
    if (text === null) return null;
    if (instanceId.test(text)) return { instanceId: text };
    const arn = parseArn(text);
    if (arn?.service !== "ec2" || !arn.resource.startsWith("instance/")) return null;
    return { instanceId: arn.resource.slice("instance/".length), accountId: arn.accountId || null, region: arn.region || null };
}

/** The same, but an id that is none stands as it is written, so that it is named in the reason: for fields that hold nothing else. */
export function readInstanceUid(uid: string | null): Reference | null {
    return uid === null ? null : (readInstanceName(uid) ?? (parseArn(uid) ? null : { instanceId: uid }));
}

/** `AROAEXAMPLE:i-…` is the principal of an instance's role, `arn:aws:sts::…:assumed-role/ROLE/i-…` its session. */
const rolePrincipal = /^AROA[A-Z0-9]{4,32}:(i-[0-9a-f]{8}|i-[0-9a-f]{17})$/;
const roleSession = /^arn:[a-z-]+:sts::(\d{12}):assumed-role\/[^/]+\/(i-[0-9a-f]{8}|i-[0-9a-f]{17})$/;

/**
 * Instances whose role a principal is. EC2 names the sessions of an instance's role by its id, but whoever may assume a role can
 * name a session so: it is a reason to look at the instance, no proof.
 *
 * @param value part of a finding that describes who acted; read four levels deep
 */
export function sessionInstances(value: unknown, depth = 4): Reference[] {
    if (typeof value === "string") {
        const principal = rolePrincipal.exec(value);
        if (principal) return [{ instanceId: principal[1] }];
        const session = roleSession.exec(value);
        return session ? [{ instanceId: session[2], accountId: session[1] }] : [];
    }
    if (depth === 0) return [];
    const inner: readonly unknown[] = Array.isArray(value) ? value : Object.values(asObject(value) ?? {});
    return inner.slice(0, 64).flatMap((each) => sessionInstances(each, depth - 1));
}

/** Names of fields that hold an instance: `instanceId`, `instanceArn`, `ec2InstanceUids`, `instance_uid`, and the lists of a sequence's signals. */
const instanceFields = /^((ec2)?instance(ids?|uids?|arns?)|hostarn|resourceuids)$/;

/**
 * Instances under fields that are made for one, wherever they stand in a part of a finding: an endpoint, a device, evidence of a signal. Tags
 * are left out: whoever owns a machine writes them.
 *
 * @param value read eight levels deep
 */
export function instancesInside(value: unknown, depth = 8): Reference[] {
    if (depth === 0) return [];
    if (Array.isArray(value)) return value.slice(0, 200).flatMap((each) => instancesInside(each, depth - 1));
    return Object.entries(asObject(value) ?? {})
        .slice(0, 200)
        .flatMap(([key, inner]): Reference[] => {
            const name = key.toLowerCase().replace(/[^a-z0-9]/g, "");
            if (name === "tags") return [];
            if (!instanceFields.test(name)) return instancesInside(inner, depth - 1);
            const texts: readonly unknown[] = Array.isArray(inner) ? inner.slice(0, 200) : [inner];
            return texts.flatMap((text) => (typeof text === "string" ? (readInstanceName(text) ?? []) : instancesInside(text, depth - 1)));
        });
}

/** Ids of instances in a text of any kind, each once: for people to look at, no proof. */
export function instanceIdsIn(text: string): string[] {
    const found = text.replace(/\\[nrt]/g, " ").matchAll(/(?<![\w-])i-(?:[0-9a-f]{17}|[0-9a-f]{8})(?![\w-])/gi);
    return [...new Set([...found].map(([id]) => id.toLowerCase()))];
}

/** Spellings of an instance's type: GuardDuty's `Instance`, ASFF's `AwsEc2Instance`, CloudFormation's `AWS::EC2::Instance`, `EC2_INSTANCE`. */
export function isInstanceType(type: string | null): boolean {
    return /^(aws)?(ec2)?instance$/.test((type ?? "").toLowerCase().replace(/[^a-z0-9]/g, ""));
}
