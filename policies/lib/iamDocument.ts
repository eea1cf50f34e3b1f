import { isUnknownValueError } from "./unknown";
import { listOf, objectOf, show, type Properties, type Value } from "./values";

/** One statement of an IAM, resource, trust or endpoint policy, with every element as a list. */
export interface Statement {
    /** Its Sid, or its place in the document where it has none. */
    label: string;
    allow: boolean;
    actions: string[];
    resources: string[];
    /** ARNs, account ids, services and "*", whatever kind of principal they are; NotPrincipal is "*"; a statement on a role has none. */
    principals: string[];
    /** Elements that grant everything but what they list: NotAction, NotResource, NotPrincipal. */
    negations: string[];
    conditions: { operator: string; key: string; values: string[] }[];
}

/**
 * Reads a policy document, given as JSON text or as an object; no document has no statement. Given a value out of a policy's own
 * `props`, an unknown part throws the SDK's refusal, see {@link eachDocument}.
 *
 * @throws when the text is no JSON object: AWS would refuse it, and nothing could be said about it
 */
export function readDocument(value: unknown): Statement[] {
    if (value === undefined || value === null || value === "") {
        return [];
    }
    let document: unknown = value;
    if (typeof value === "string") {
        try {
            document = JSON.parse(value);
        } catch (error) {
            throw new Error(`A policy document is not JSON: ${value.slice(0, 80)}`, { cause: error });
        }
    }
    if (typeof document !== "object" || document === null) {
        throw new Error(`A policy document is not an object: ${show(document as Value)}`);
    }
    return listOf((document as Properties).Statement).map((statement, index) => readStatement(objectOf(statement), index));
}

/**
 * Judges every document that is known. Where one is not (it holds the ARN of a resource that does not exist yet), the SDK's refusal is
 * passed on at the end, so that the engine shows the check as waiting for the update, which makes it before it creates the resource.
 */
export function eachDocument(sources: (() => unknown)[], judge: (statements: Statement[]) => void): void {
    let refusal: Error | undefined;
    for (const source of sources) {
        let statements: Statement[];
        try {
            statements = readDocument(source());
        } catch (error) {
            if (!isUnknownValueError(error)) {
                throw error;
            }
            refusal ??= error;
            continue;
        }
        judge(statements);
    }
    if (refusal !== undefined) {
        throw refusal;
    }
}

function readStatement(statement: Properties, index: number): Statement {
    return {
        label: typeof statement.Sid === "string" ? `"${statement.Sid}"` : `number ${index + 1}`,
        allow: statement.Effect === "Allow",
        actions: texts(statement.Action),
        resources: texts(statement.Resource),
        principals:
            "NotPrincipal" in statement
                ? ["*"]
                : typeof statement.Principal === "string"
                  ? [statement.Principal]
                  : Object.values(objectOf(statement.Principal)).flatMap(texts),
        negations: ["NotAction", "NotResource", "NotPrincipal"].filter((element) => element in statement),
        conditions: Object.entries(objectOf(statement.Condition)).flatMap(([operator, keys]) =>
            Object.entries(objectOf(keys)).map(([key, values]) => ({ operator, key: key.toLowerCase(), values: texts(values) })),
        ),
    };
}

/**
 * Whether a resource stands for every one there is, however it is spelled: "*", or an ARN that names nothing after its account
 * (`arn:aws:ec2:*:*:*`), or is cut short by a wildcard before (`arn:aws:s3*`).
 */
export function isEveryResource(resource: string): boolean {
    const [, , , , , ...named] = resource.split(":");
    return /[*?]/.test(resource) && /^[*?:/]*$/.test(named.join(":"));
}

const texts = (value: Value): string[] => listOf(value).map(String);

/** Whether a principal is anyone at all. */
export function isAnyone(principal: string): boolean {
    return principal === "*";
}

/** Condition keys that tie a request to an account, organisation, resource or network of one's own. */
const NARROWING = new Set([
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
]);

/** Whether a condition ties the statement to somebody: an operator that compares for equality, on a narrowing key, with no "*" alone. */
export function isNarrowed(statement: Statement): boolean {
    return statement.conditions.some(
        ({ operator, key, values }) =>
            NARROWING.has(key) &&
            /^(ForAnyValue:)?(String|Arn)(Equals|Like|EqualsIgnoreCase)$/.test(operator) &&
            values.length > 0 &&
            !values.includes("*"),
    );
}
