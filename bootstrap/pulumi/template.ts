/** A template of bootstrap/ and what is given to it, checked before anything is deployed: CloudFormation names only the first mistake. */
import { readFileSync } from "node:fs";
import path from "node:path";

/** The templates, by the account that each is for. */
export const templateNames = ["forensics", "member", "management", "operators", "guardduty-administrator"] as const;
export type TemplateName = (typeof templateNames)[number];

interface Parameter {
    Type: string;
    Default?: string;
    AllowedPattern?: string;
    AllowedValues?: string[];
    ConstraintDescription?: string;
}

/** @returns what is wrong with a value; null where nothing is */
function problem(name: string, value: unknown, { Type, AllowedPattern, AllowedValues, ConstraintDescription }: Parameter): string | null {
    if (typeof value !== "string") return `parameters.${name} is not text`;
    if (AllowedValues && !AllowedValues.includes(value)) return `parameters.${name} is "${value}"; give ${AllowedValues.join(" or ")}`;
    const parts = Type === "CommaDelimitedList" ? value.split(",").map((each) => each.trim()) : [value];
    if (AllowedPattern && !parts.every((each) => new RegExp(AllowedPattern).test(each)))
        return `parameters.${name} is "${value}"; give ${ConstraintDescription ?? `what fits ${AllowedPattern}`}`;
    return null;
}

/**
 * @param given parameters by name, as configured; those with a default may be left out
 * @throws naming everything that is wrong with them
 */
export function readTemplate(name: string, given: Record<string, unknown>): { body: string; parameters: Record<string, string> } {
    if (!templateNames.some((each) => each === name)) throw new Error(`template is "${name}"; give one of ${templateNames.join(", ")}`);
    const body = readFileSync(path.join(__dirname, "..", `${name}.json`), "utf8");
    const { Parameters } = JSON.parse(body) as { Parameters: Record<string, Parameter> };
    // Pulumi's configuration turns true and false into booleans.
    const values = Object.fromEntries(
        Object.entries(given).map(([key, value]) => [key, typeof value === "boolean" ? String(value) : value]),
    );
    const problems = [
        ...Object.keys(values)
            .filter((key) => !(key in Parameters))
            .map((key) => `parameters.${key} is none of ${name}.json; it has ${Object.keys(Parameters).join(", ")}`),
        ...Object.entries(Parameters).flatMap(([key, parameter]) => {
            if (!(key in values)) return parameter.Default === undefined ? [`parameters.${key} is missing`] : [];
            return problem(key, values[key], parameter) ?? [];
        }),
    ];
    if (problems.length > 0) throw new Error(problems.join("; "));
    return { body, parameters: values as Record<string, string> };
}
