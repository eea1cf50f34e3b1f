/** Turns what a function asks of a role into questions for IAM's policy simulator. Pure. */

/** A statement as functions/aws/permissions.ts has it. */
export interface AskedStatement {
    Effect: "Allow" | "Deny";
    Action: string[];
    Resource: string[];
    Condition?: Record<string, Record<string, string | string[] | undefined>>;
}

/** Object of the tool bucket that says what the response needs of a responder role. */
export const responderStatementsKey = "readiness/responder-statements.json";
/** Stands there for the member's account. */
export const anyAccount = "000000000000";

export interface SimulatedContext {
    ContextKeyName: string;
    ContextKeyType: "string" | "stringList" | "boolean" | "numeric";
    ContextKeyValues: string[];
}

/** One call of SimulatePrincipalPolicy; every action in it is meant to be allowed on every resource in it. */
export interface Simulation {
    actions: string[];
    /** Null: on any resource. */
    resources: string[] | null;
    context: SimulatedContext[];
}

/** A resource that a pattern fits: the simulator takes an ARN, and nothing has to stand there. */
const exampleOf = (pattern: string, accountId: string, region: string): string =>
    pattern
        .split(":")
        .map((part, index) =>
            index === 3 && part === "*" ? region : index === 4 && part === "*" ? accountId : part.replaceAll(/[*?]/g, "preflight"),
        )
        .join(":");

/** Values of the condition keys with which a statement's conditions hold. A key that must be absent is left out. */
function contextOf(condition: AskedStatement["Condition"]): SimulatedContext[] {
    return Object.entries(condition ?? {}).flatMap(([operator, keys]) => {
        if (operator === "Null" || /Not/.test(operator)) return [];
        return Object.entries(keys).flatMap(([name, wanted]): SimulatedContext[] => {
            const values = [wanted ?? []].flat().map((value) => value.replaceAll("*", "preflight"));
            const ContextKeyType = operator.startsWith("ForA")
                ? "stringList"
                : operator.startsWith("Bool")
                  ? "boolean"
                  : operator.startsWith("Numeric")
                    ? "numeric"
                    : "string";
            return [
                { ContextKeyName: name, ContextKeyType, ContextKeyValues: ContextKeyType === "stringList" ? values : values.slice(0, 1) },
            ];
        });
    });
}

/** @param region the Region that a pattern for all of them is asked about */
export function simulationsOf(statements: readonly AskedStatement[], accountId: string, region: string): Simulation[] {
    const once = new Map(statements.map((statement) => [JSON.stringify(statement), statement]));
    return [...once.values()]
        .filter(({ Effect }) => Effect === "Allow")
        .map(({ Action, Resource, Condition }) => ({
            actions: Action,
            resources: Resource.includes("*") ? null : Resource.map((pattern) => exampleOf(pattern, accountId, region)),
            context: [
                { ContextKeyName: "aws:RequestedRegion", ContextKeyType: "string" as const, ContextKeyValues: [region] },
                ...contextOf(Condition),
            ],
        }));
}
