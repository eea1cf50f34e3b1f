import { listOf, objectOf, show, UNKNOWN, type Properties, type Value } from "./values";

/** Whom a statement of a resource policy names. */
export interface Principal {
    /** `AWS`, `Service`, `Federated` or `CanonicalUser`; "*" and NotPrincipal are `AWS`. */
    kind: string;
    /** ARN, account id, service or "*". */
    value: string;
}

export interface Condition {
    /** As written, with its set prefix and IfExists: `ForAnyValue:StringLike`. */
    operator: string;
    /** In lower case: AWS compares keys without case. */
    key: string;
    values: (string | typeof UNKNOWN)[];
}

/** One statement of an IAM, resource, trust, key or endpoint policy, with every element as a list of what is known of it. */
export interface Statement {
    /** Its Sid, or its place in the document where it has none. */
    label: string;
    allow: boolean;
    actions: string[];
    resources: string[];
    /** NotPrincipal is anyone; a statement on a role has none. */
    principals: Principal[];
    /** Elements that grant everything but what they list: NotAction, NotResource, NotPrincipal. */
    negations: string[];
    conditions: Condition[];
    /** Elements of which a part is not known before the update. */
    unknown: ("Effect" | "Action" | "Resource" | "Principal" | "Condition")[];
}

export interface PolicyDocument {
    /** What is known: a statement that is unknown as a whole is left out. */
    statements: Statement[];
    /** Whether any part is not known before the update; what is known is to be judged all the same, and the check repeated at the update. */
    unknown: boolean;
    /** Why AWS would refuse it; a document that cannot be read has no statements. */
    malformed?: string;
}

/** Reads a policy document, given as JSON text or as an object (see `reveal`), whatever part of it is not known yet. Absent: no statement. */
export function readDocument(value: Value): PolicyDocument {
    if (value === undefined || value === null || value === "") {
        return { statements: [], unknown: false };
    }
    if (value === UNKNOWN) {
        return { statements: [], unknown: true };
    }
    let document: Value = value;
    if (typeof value === "string") {
        try {
            document = JSON.parse(value) as Value;
        } catch {
            return malformed(`is not JSON: ${show(value)}`);
        }
    }
    if (typeof document !== "object" || document === null || Array.isArray(document)) {
        return malformed(`is not a JSON object: ${show(document)}`);
    }
    const statements = listOf(element(document, "Statement"));
    const known = statements.flatMap((statement, index) =>
        statement === UNKNOWN ? [] : outcomesOf(objectOf(statement)).map((each) => readStatement(each, index)),
    );
    return {
        statements: known,
        unknown: known.length < statements.length || known.some(({ unknown }) => unknown.length > 0),
    };
}

const malformed = (problem: string): PolicyDocument => ({ statements: [], unknown: false, malformed: problem });

/** A template may leave open which effect, principal or condition a statement has (`Fn::If`), which are no lists in IAM: one statement for each outcome. */
function outcomesOf(statement: Properties): Properties[] {
    return ["Effect", "Principal", "Condition"].reduce<Properties[]>(
        (outcomes, name) =>
            outcomes.flatMap((each) => {
                const value = element(each, name);
                return Array.isArray(value) ? value.map((one) => ({ ...each, [name]: one })) : [each];
            }),
        [statement],
    );
}

function readStatement(statement: Properties, index: number): Statement {
    const sid = element(statement, "Sid");
    const effect: Value = element(statement, "Effect");
    const principal = readPrincipals(statement);
    const conditions = Object.entries(objectOf(element(statement, "Condition"))).flatMap(([operator, keys]) =>
        Object.entries(objectOf(keys)).map(([key, values]) => ({
            operator,
            key: key.toLowerCase(),
            values: listOf(values).map((each): Condition["values"][number] => (each === UNKNOWN ? UNKNOWN : asText(each))),
        })),
    );
    const unknownWhere: [Statement["unknown"][number], Value[]][] = [
        ["Effect", [effect]],
        ["Action", [element(statement, "Action"), element(statement, "NotAction")]],
        ["Resource", [element(statement, "Resource"), element(statement, "NotResource")]],
        ["Principal", [element(statement, "Principal"), element(statement, "NotPrincipal")]],
        ["Condition", [element(statement, "Condition")]],
    ];
    return {
        label: typeof sid === "string" && sid !== "" ? `"${sid}"` : `number ${index + 1}`,
        // What may turn out to allow is judged as if it did.
        allow: effect === UNKNOWN || (typeof effect === "string" && effect.toLowerCase() === "allow"),
        actions: texts(element(statement, "Action")),
        resources: texts(element(statement, "Resource")),
        principals: principal,
        negations: ["NotAction", "NotResource", "NotPrincipal"].filter((name) => element(statement, name) !== undefined),
        conditions,
        unknown: unknownWhere.filter(([, values]) => values.some(holdsUnknown)).map(([name]) => name),
    };
}

function readPrincipals(statement: Properties): Principal[] {
    if (element(statement, "NotPrincipal") !== undefined) {
        return [{ kind: "AWS", value: "*" }];
    }
    const principal = element(statement, "Principal");
    if (typeof principal === "string") {
        return [{ kind: "AWS", value: principal }];
    }
    return Object.entries(objectOf(principal)).flatMap(([kind, values]) =>
        texts(values).map((value) => ({ kind: kind === "*" ? "AWS" : kind, value })),
    );
}

/** An element by its name, whatever its case: AWS reads `statement` as `Statement`. */
function element(container: Properties, name: string): Value {
    return container[name] ?? Object.entries(container).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** Whether a value is, or holds, something not known before the update. */
export function holdsUnknown(value: Value): boolean {
    if (value === UNKNOWN) {
        return true;
    }
    return value !== null && typeof value === "object" && Object.values(value).some(holdsUnknown);
}

/** AWS takes numbers and truth values for texts; anything else it would refuse, which stays visible in a violation. */
const asText = (value: Exclude<Value, typeof UNKNOWN>): string => (typeof value === "object" ? JSON.stringify(value) : String(value));

const texts = (value: Value): string[] => listOf(value).flatMap((each) => (each === UNKNOWN ? [] : [asText(each)]));

/**
 * Whether a resource stands for every one there is, however it is spelled: "*", or an ARN that names nothing after its account
 * (`arn:aws:ec2:*:*:*`), or is cut short by a wildcard before (`arn:aws:s3*`).
 */
export function isEveryResource(resource: string): boolean {
    const [, , , , , ...named] = resource.split(":");
    return /[*?]/.test(resource) && /^[*?:/]*$/.test(named.join(":"));
}

/** Whether an IAM pattern (`*` and `?`) covers an action, compared without case as AWS does. */
export function covers(pattern: string, action: string): boolean {
    const expression = pattern
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".");
    return new RegExp(`^${expression}$`, "is").test(action);
}
