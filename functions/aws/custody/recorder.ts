/**
 * Notes every call by which a step changes something, as AWS answered it, and appends it to the incident's custody log when the step ends.
 * Nothing waits for it on the way: containment and evidence come first. What is lost when a function dies before its end is an object without
 * an entry, which the seal finds and says so of.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { custodyActionSchema, type CustodyAction } from "../../domain/custody/custodyLog";
import { objectPrefixes } from "../../domain/evidenceKeys";

/** Who called is asked only when the step ends: no call waits for it. */
type Noted = Omit<CustodyAction, "who"> & { who: () => Promise<string> };
interface Recording {
    incidentId: string | null;
    step: string;
    actions: Noted[];
}
const recordings = new AsyncLocalStorage<Recording>();

/** What is being done, and for which incident; null outside of a step. For the lines of the log. */
export function underWay(): { incidentId: string | null; step: string } | null {
    const recording = recordings.getStore();
    return recording ? { incidentId: recording.incidentId, step: recording.step } : null;
}

/** Calls that change nothing. */
const reading = /^(Describe|List|Get|Head|Lookup|Query|Scan|BatchGet|Search|Simulate|Select|Verify|Assume)/;
/** Services whose calls are the program's own book-keeping and messages, not an action on the instance or its evidence. */
const besides = new Set(["DynamoDB", "KMS", "SNS", "SQS", "STS", "Lambda", "CloudWatchLogs"]);
/** Service prefix of IAM actions, where it is not the client's name in small letters. */
const prefixes: Record<string, string> = {
    SFN: "states",
    SecurityIR: "security-ir",
    ElasticLoadBalancing: "elasticloadbalancing",
    ElasticLoadBalancingV2: "elasticloadbalancing",
};

const resourceId = /^[a-z]{1,12}-([0-9a-f]{8}|[0-9a-f]{17})$/;
const arn = /^arn:[\w-]+:/;

/** Ids and ARNs anywhere in a call's parameters or answer. */
export function resourcesIn(...values: unknown[]): string[] {
    const found = new Set<string>();
    const walk = (value: unknown, depth: number): void => {
        if (found.size >= 64 || depth > 8) return;
        if (typeof value === "string") {
            if (value.length <= 2048 && (resourceId.test(value) || arn.test(value))) found.add(value);
        } else if (Array.isArray(value)) value.slice(0, 200).forEach((each) => walk(each, depth + 1));
        else if (value !== null && typeof value === "object" && !(value instanceof Uint8Array))
            for (const [name, each] of Object.entries(value)) if (name !== "$metadata" && name !== "Body") walk(each, depth + 1);
    };
    values.forEach((value) => walk(value, 0));
    return [...found];
}

type Named = Record<string, unknown>;

/** The object that a call to S3 wrote. */
function writtenObject(input: Named, output: Named): CustodyAction["object"] {
    const { Key, ChecksumSHA256, Body } = input;
    if (typeof Key !== "string") return null;
    return {
        key: Key,
        versionId: typeof output.VersionId === "string" ? output.VersionId : null,
        sha256: typeof ChecksumSHA256 === "string" ? Buffer.from(ChecksumSHA256, "base64").toString("hex") : null,
        bytes: Body instanceof Uint8Array ? Body.length : 0,
    };
}

/** The incident that a call belongs to: an object's own, else that of the step. Null: none, or a line of the log itself. */
function incidentOf(recording: Recording, key: string | undefined): string | null {
    if (key === undefined) return recording.incidentId;
    const [, incidentId, name = ""] = /^incidents\/([^/]+)\/(.+)$/.exec(key) ?? [];
    if (incidentId === undefined || incidentId === "refused") return null;
    return name.startsWith(objectPrefixes.custodyLog) || name.startsWith(objectPrefixes.custodySeals) ? null : incidentId;
}

function note(
    recording: Recording,
    service: string,
    command: string,
    call: { input: Named; output: Named; error: unknown; who: Noted["who"] },
): void {
    const { input, output, error, who } = call;
    const metadata = ((error as { $metadata?: unknown } | null)?.$metadata ?? output.$metadata ?? {}) as { requestId?: string };
    const isObject = service === "S3" && typeof input.Key === "string";
    const incidentId = incidentOf(recording, isObject ? (input.Key as string) : undefined);
    if (incidentId === null) return;
    recording.actions.push({
        incidentId,
        at: new Date().toISOString(),
        who,
        step: recording.step.slice(0, 64),
        what: `${prefixes[service] ?? service.toLowerCase()}:${command}`,
        requestId: metadata.requestId?.slice(0, 128) ?? null,
        object: isObject && error === null ? writtenObject(input, output) : null,
        resources: resourcesIn(input, output),
        error: error === null ? null : (error instanceof Error ? error.name : "unknown").slice(0, 256),
        note: isObject && error !== null ? (input.Key as string).slice(0, 1024) : null,
    });
}

/** As the log takes them. */
const settled = (actions: Noted[]): Promise<CustodyAction[]> =>
    Promise.all(actions.map(async ({ who, ...action }) => custodyActionSchema.parse({ ...action, who: await who() })));

interface WithMiddleware {
    middlewareStack?: {
        add: (
            middleware: (
                next: (args: { input: object }) => Promise<{ output: object }>,
                context: { clientName?: string; commandName?: string },
            ) => (args: { input: object }) => Promise<{ output: object }>,
            options: { step: "initialize"; name: string },
        ) => void;
    };
}

/** Notes the calls of a client. @param who ARN of the principal that it calls as, asked for only when there is something to note */
export function recordCalls<C>(client: C, who: () => Promise<string>): C {
    (client as WithMiddleware).middlewareStack?.add(
        (next, { clientName = "", commandName = "" }) =>
            async (args) => {
                const recording = recordings.getStore();
                const service = clientName.replace(/Client$/, "");
                const command = commandName.replace(/Command$/, "");
                if (!recording || besides.has(service) || reading.test(command)) return next(args);
                const noted = (output: object, error: unknown) =>
                    note(recording, service, command, { input: args.input as Named, output: output as Named, error, who });
                try {
                    const result = await next(args);
                    noted(result.output, null);
                    return result;
                } catch (error) {
                    // An object that stands already is no action; a dry run that would succeed is none either.
                    if (!["PreconditionFailed", "DryRunOperation"].includes((error as Error).name)) noted({}, error);
                    throw error;
                }
            },
        { step: "initialize", name: "custody" },
    );
    return client;
}

/**
 * Runs a step with a recording of its calls.
 *
 * @param incidentId of the step; null where each object's key says it
 * @param keep is given the actions of each incident at the end, also after a failure
 */
export async function recorded<T>(
    { incidentId, step }: { incidentId: string | null; step: string },
    run: () => Promise<T>,
    keep: (incidentId: string, actions: CustodyAction[]) => Promise<void>,
): Promise<T> {
    const recording: Recording = { incidentId, step, actions: [] };
    try {
        return await recordings.run(recording, run);
    } finally {
        const byIncident = new Map<string, Noted[]>();
        for (const action of recording.actions) byIncident.set(action.incidentId, [...(byIncident.get(action.incidentId) ?? []), action]);
        for (const [id, actions] of byIncident) await keep(id, await settled(actions));
    }
}

/** Takes what was noted so far out of the running step's recording, for who must have it in the log at once. */
export const takeRecorded = (): Promise<CustodyAction[]> => settled(recordings.getStore()?.actions.splice(0) ?? []);
