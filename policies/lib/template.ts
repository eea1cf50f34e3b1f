import { parse, type ScalarTag } from "yaml";
import { listOf, objectOf, textOf, type Properties, type Value } from "./values";

/** A resource of a CloudFormation template, with its references resolved as far as that goes. */
export interface TemplateResource {
    logicalId: string;
    /** Such as `AWS::IAM::Role`. */
    type: string;
    properties: Properties;
}

export interface Template {
    resources: TemplateResource[];
    /** What keeps the template from being judged. */
    problems: string[];
}

/** What stands for the pseudo parameters, and parameters by name. */
export interface Surroundings {
    accountId: string;
    parameters: Properties;
}

/**
 * Reads a template, in JSON or YAML. What only a deployment could know (an attribute of a resource of the template, an imported value) becomes a
 * text that says what it is, never a value that is not known: it would never become known, and a check that waits for it would never be made.
 */
export function readTemplate(body: string, surroundings: Surroundings): Template {
    let template: Properties;
    try {
        template = objectOf(parse(body, { customTags: SHORT_FORMS, logLevel: "silent", maxAliasCount: 100 }) as Value);
    } catch (error) {
        return {
            resources: [],
            problems: [`is neither JSON nor YAML (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`],
        };
    }
    const problems: string[] = [];
    const macros = [
        ...listOf(template.Transform),
        ...(JSON.stringify(template.Resources ?? {}).includes('"Fn::Transform"') ? ["Fn::Transform"] : []),
    ];
    if (macros.length > 0) {
        problems.push(
            `is rewritten by macros (${macros.map(String).join(", ")}) when it is deployed, so that nobody can tell what it makes; write out what they would`,
        );
    }
    const declared = Object.entries(objectOf(template.Resources));
    if (declared.length === 0) {
        problems.push("has no resources");
    }
    const defaults: Properties = Object.fromEntries<Value>(
        Object.entries(objectOf(template.Parameters)).map(([name, each]) => [name, objectOf(each).Default]),
    );
    const scope: Scope = {
        accountId: surroundings.accountId,
        parameters: { ...defaults, ...surroundings.parameters },
        mappings: objectOf(template.Mappings),
        leavesOut: false,
    };
    return {
        problems,
        resources: declared.flatMap(([logicalId, each]) => {
            const type = textOf(objectOf(each).Type ?? "nothing");
            const { Properties: given } = objectOf(each);
            // What a condition may leave out is judged with it and without it.
            const outcomes = [scope, { ...scope, leavesOut: true }].map((one) => objectOf(resolve(given, one)));
            const [full, lean] = outcomes.map((one) => JSON.stringify(one));
            return (full === lean ? outcomes.slice(0, 1) : outcomes).map((properties) => ({ logicalId, type, properties }));
        }),
    };
}

interface Scope {
    accountId: string;
    parameters: Properties;
    mappings: Properties;
    /** Whether everything is left out that a condition may leave out (`AWS::NoValue`). */
    leavesOut: boolean;
}

const isChoice = (value: Value): boolean => Object.keys(objectOf(value)).join() === "Fn::If";
const isNothing = (value: Value): boolean => objectOf(value).Ref === "AWS::NoValue";

/** A value with its intrinsic functions replaced by what they give, or by a text that says what they would. */
function resolve(value: Value, scope: Scope): Value {
    if (Array.isArray(value)) {
        // A choice in a list stands for one element of it, or for none.
        return value
            .flatMap((each): Value[] => (isChoice(each) ? listOf(resolve(each, scope)) : [resolve(each, scope)]))
            .filter((each) => each !== undefined);
    }
    if (typeof value !== "object" || value === null) {
        return value;
    }
    const entries = Object.entries(value);
    const [name, argument] = entries[0] ?? [];
    if (entries.length === 1 && name !== undefined && (name === "Ref" || name.startsWith("Fn::"))) {
        return intrinsic(name, argument, scope);
    }
    return Object.fromEntries(
        entries.map(([key, each]) => [key, resolve(each, scope)]).filter(([, each]) => each !== undefined),
    ) as Properties;
}

function intrinsic(name: string, argument: Value, scope: Scope): Value {
    switch (name) {
        case "Ref":
            return referred(textOf(argument), scope);
        case "Fn::Sub": {
            const [text, own] = listOf(argument);
            const local = objectOf(resolve(own, scope));
            return textOf(text).replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, variable: string) =>
                literal === "!"
                    ? `\${${variable}}`
                    : textOf(
                          local[variable] ?? (variable.includes(".") ? attribute(variable, scope.accountId) : referred(variable, scope)),
                      ),
            );
        }
        case "Fn::Join": {
            const [separator, parts] = listOf(argument);
            return listOf(resolve(parts, scope)).map(textOf).join(textOf(separator));
        }
        case "Fn::GetAtt":
            return attribute(listOf(argument).map(String).join("."), scope.accountId);
        case "Fn::If": {
            const branches = listOf(argument).slice(1);
            if (scope.leavesOut && branches.some(isNothing)) {
                return undefined;
            }
            // Either may be deployed, so both are judged.
            const outcomes = branches.filter((each) => !isNothing(each)).map((each) => resolve(each, scope));
            return outcomes.length === 1 ? outcomes[0] : outcomes.flatMap(listOf);
        }
        case "Fn::Select": {
            const [index, list] = listOf(argument);
            return listOf(resolve(list, scope))[Number(index)];
        }
        case "Fn::Split": {
            const [separator, text] = listOf(argument);
            return textOf(resolve(text, scope)).split(textOf(separator));
        }
        case "Fn::FindInMap": {
            const [map, first, second] = listOf(argument).map((each) => resolve(each, scope));
            return objectOf(objectOf(scope.mappings[textOf(map)])[textOf(first)])[textOf(second)] ?? `a value of the map ${textOf(map)}`;
        }
        default:
            return `what ${name} gives of ${JSON.stringify(argument)}`;
    }
}

/** A reference: a pseudo parameter, a parameter, or a resource of the template, which is called by its logical id. */
function referred(name: string, { accountId, parameters }: Scope): Value {
    const pseudo: Properties = {
        "AWS::AccountId": accountId,
        "AWS::Partition": "aws",
        "AWS::Region": "eu-west-1",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::NoValue": undefined,
        "AWS::StackName": "stack",
        "AWS::StackId": arnOf("stack", accountId),
        "AWS::NotificationARNs": [],
    };
    if (name in pseudo) {
        return pseudo[name];
    }
    return parameters[name] ?? name;
}

/** An attribute: an ARN of the account, as {@link arnOf} gives it, an id, or what it is. */
function attribute(path: string, accountId: string): string {
    const [logicalId, ...name] = path.split(".");
    return /Arn$/.test(path) ? arnOf(logicalId, accountId) : /Id$/.test(path) && name.length === 1 ? logicalId : path;
}

/** What stands for the ARN of a resource that a template makes. */
export const arnOf = (logicalId: string, accountId: string): string => `arn:aws:cloudformation::${accountId}:${logicalId}`;

/** YAML's short forms: `!Sub text` is `{ "Fn::Sub": "text" }`. */
const SHORT_FORMS = [
    "Ref",
    "Sub",
    "GetAtt",
    "Join",
    "If",
    "Select",
    "Split",
    "FindInMap",
    "ImportValue",
    "Base64",
    "Cidr",
    "GetAZs",
    "Equals",
    "Not",
    "And",
    "Or",
    "Condition",
    "Transform",
].flatMap((form) => {
    const name = form === "Ref" || form === "Condition" ? form : `Fn::${form}`;
    const wrap = (value: unknown): object => ({ [name]: form === "GetAtt" && typeof value === "string" ? value.split(".") : value });
    return [
        { tag: `!${form}`, resolve: (text: string) => wrap(text) },
        { tag: `!${form}`, collection: "seq", resolve: (seq: { toJSON(): unknown }) => wrap(seq.toJSON()) },
        { tag: `!${form}`, collection: "map", resolve: (map: { toJSON(): unknown }) => wrap(map.toJSON()) },
    ];
}) as unknown as ScalarTag[];
