import type { Policies, PolicyResource, ResourceValidationArgs } from "@pulumi/policy";
import { isUnknownValueError, throwOnUnknown } from "../lib/unknown";

/** What the SDK puts where a string is not known at preview (its value is part of the engine's protocol). */
export const unknownString = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The text of a policy document with these statements. */
export function document(...statements: object[]): string {
    return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

type Policy = Policies[number];
type ResourceClass = { new (...rest: never[]): unknown };

/** A resource as a spec declares it. */
export interface Declared {
    /** Its class, such as `aws.ec2.SecurityGroup`; {@link typed} for what has none here (a component, another package). */
    is: ResourceClass;
    name: string;
    props: object;
    /** Resources behind a property's outputs, by name: what the engine records also while ids are unknown. */
    refs?: Record<string, string[]>;
    ignoreChanges?: string[];
    /** Properties of an explicit provider. */
    provider?: object;
}

/** Stands for the class of a type by its token, where there is no class to import. */
export const typed = (token: string): ResourceClass => Object.assign(class Typed {}, { __pulumiType: token });

/** What a policy said of a stack. */
export interface Verdict {
    violations: string[];
    /** Checks that wait for values only the update knows; the engine shows them as advisory notes. */
    deferred: string[];
}

/** Runs one policy over declared resources the way @pulumi/policy's server does: same proxy, same handling of unknown values. @param config the policy's configuration */
export async function judge(policy: Policy, declared: Declared[], config: object = {}): Promise<Verdict> {
    const common = { ...untold, getConfig: <T extends object>(): T => config as T };
    const verdict: Verdict = { violations: [], deferred: [] };
    const resources = declared.map(toResource);
    const byName = new Map(resources.map((resource) => [resource.name, resource]));
    declared.forEach((each, index) => {
        for (const [property, names] of Object.entries(each.refs ?? {})) {
            resources[index].propertyDependencies[property] = names.map((name) => {
                const target = byName.get(name);
                if (target === undefined) {
                    throw new Error(`"${each.name}".${property} refers to "${name}", which the spec does not declare.`);
                }
                return target;
            });
        }
    });
    const report = (message: string): void => void verdict.violations.push(message);
    if ("validateResource" in policy && policy.validateResource !== undefined) {
        // The stack itself comes first, as it does from the engine: what a policy learnt of another program ends there.
        for (const resource of [toResource({ is: typed("pulumi:pulumi:Stack"), name: "stack", props: {} }), ...resources]) {
            for (const validate of [policy.validateResource].flat()) {
                await attempt(verdict, () => validate({ ...common, ...resource } as unknown as ResourceValidationArgs, report));
            }
        }
    }
    if ("validateStack" in policy) {
        await attempt(verdict, () => policy.validateStack({ ...common, resources }, report));
    }
    return verdict;
}

const untold = {
    stackTags: new Map<string, string>(),
    notApplicable: (): never => {
        throw new Error("No policy of this pack declares itself not applicable.");
    },
};

function toResource(declared: Declared): PolicyResource {
    const type = (declared.is as unknown as { __pulumiType?: string }).__pulumiType;
    if (type === undefined) {
        throw new Error(`"${declared.name}" is declared with something that is not a Pulumi resource class.`);
    }
    const isType = (resourceClass: ResourceClass): boolean => (resourceClass as unknown as { __pulumiType: string }).__pulumiType === type;
    return {
        type,
        name: declared.name,
        urn: `urn:pulumi:test::spec::${type}::${declared.name}`,
        props: throwOnUnknown(declared.props),
        opts: {
            protect: false,
            ignoreChanges: declared.ignoreChanges ?? [],
            aliases: [],
            additionalSecretOutputs: [],
            customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
        },
        ...(declared.provider === undefined
            ? {}
            : {
                  provider: {
                      type: "pulumi:providers:aws",
                      name: "provider",
                      urn: `urn:provider:${JSON.stringify(declared.provider)}`,
                      props: throwOnUnknown(declared.provider),
                  },
              }),
        dependencies: [],
        propertyDependencies: {},
        isType,
        asType: (() => undefined) as PolicyResource["asType"],
    };
}

async function attempt(verdict: Verdict, validate: () => Promise<void> | void): Promise<void> {
    try {
        await validate();
    } catch (error) {
        if (!isUnknownValueError(error)) {
            throw error;
        }
        verdict.deferred.push(error.message);
    }
}
