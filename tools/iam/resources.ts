/** Whether statements name what AWS can limit, and nothing that it cannot: by its Service Authorization Reference (policies/catalogue). Pure. */
import type { Statement } from "../../functions/aws/permissions";
import withoutResource from "../../policies/catalogue/actionsWithoutResource.json";

const unlimited: Record<string, string> = withoutResource;

/** Whether AWS knows no resource of an action: a grant on an ARN would be none. */
export function takesNoResource(action: string): boolean {
    const [service, name] = action.split(":") as [string, string];
    return (unlimited[service] ?? "").split(" ").includes(name);
}

/**
 * @param everywhere action -> why it is granted on every resource although AWS could limit it
 * @returns a sentence for each grant that says too much, and for each that is none
 */
export function resourceProblems(role: string, statements: readonly Statement[], everywhere: Readonly<Record<string, string>>): string[] {
    return statements
        .filter(({ Effect }) => Effect === "Allow")
        .flatMap(({ Sid, Action, Resource, Condition }) =>
            Action.flatMap((action) => {
                const at = `${role}, statement ${Sid ?? "without a Sid"}: ${action}`;
                if (takesNoResource(action))
                    return Resource.includes("*")
                        ? []
                        : [
                              `${at} has no resource in AWS's reference, and is granted on ${Resource.join(", ")}: AWS may refuse it. Grant it on "*".`,
                          ];
                if (!Resource.includes("*") || Condition !== undefined || everywhere[action] !== undefined) return [];
                return [
                    `${at} is granted on every resource, and AWS can limit it: name the ARN, or say why not in tools/iam/exceptions.json.`,
                ];
            }),
        );
}
