import type {
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationPolicy,
} from "@pulumi/policy";
import { accountOf } from "./accounts";
import { contentsOf, isCarrier, type Carried } from "./carried";
import { ownershipFor } from "./ownership";
import { isUnknownValueError } from "./unknown";

type Policy = ResourceValidationPolicy | StackValidationPolicy;

/**
 * The SDK reads a resource, and the whole stack, anew for each policy. Policies have their turns over the same one in the order of the pack, so
 * what the first was given serves the others, with all that was found out of it.
 */
class Shared<T> {
    private last?: { key: string; turn: number; value: T };

    /** @param turn the policy's place in the pack: a turn that is not a later one begins anew */
    of(key: string, turn: number, read: () => T): T {
        const { last } = this;
        const value = last !== undefined && last.key === key && last.turn < turn ? last.value : read();
        this.last = { key, turn, value };
        return value;
    }
}

const resourceProps = new Shared<ResourceValidationArgs["props"]>();
const wholeStack = new Shared<ReturnType<typeof expanded>>();

/**
 * The same policy, which also judges what a resource brings along: the resources of a CloudFormation template, of Cloud Control and of
 * aws-native. A violation among them is told of the resource that brings them.
 *
 * @param turn the policy's place in the pack
 */
export function withContents<P extends Policy>(policy: P, turn: number): P {
    const { validateResource, validateStack } = policy as Partial<ResourceValidationPolicy & StackValidationPolicy>;
    const wrapped: Partial<ResourceValidationPolicy & StackValidationPolicy> = {};
    if (validateResource !== undefined) {
        const validates = [validateResource].flat();
        wrapped.validateResource = async (given, reportViolation) => {
            const args = { ...given, props: resourceProps.of(given.urn, turn, () => given.props) };
            let refusal: Error | undefined;
            for (const each of isCarrier(args.type) ? [args, ...contents(args)] : [args]) {
                for (const validate of validates) {
                    try {
                        await validate(each, each === args ? reportViolation : within(args, each, reportViolation));
                    } catch (error) {
                        // What is not known of one keeps none of the others from being judged.
                        if (!isUnknownValueError(error)) {
                            throw error;
                        }
                        refusal ??= error;
                    }
                }
            }
            if (refusal !== undefined) {
                throw refusal;
            }
        };
    }
    if (validateStack !== undefined) {
        wrapped.validateStack = (args, reportViolation) => {
            const { resources, carriers } = wholeStack.of(String(args.resources.length), turn, () => expanded(args.resources));
            return validateStack({ ...args, resources }, (message, urn) => {
                const carrier = urn === undefined ? undefined : carriers.get(urn);
                return carrier === undefined ? reportViolation(message, urn) : reportViolation(told(carrier, message), carrier.urn);
            });
        };
    }
    return { ...policy, ...wrapped };
}

function contents(args: ResourceValidationArgs): ResourceValidationArgs[] {
    const account = accountOf(args) ?? ownershipFor(args).keeper ?? "";
    return (contentsOf(args, account)?.resources ?? []).map(
        (each) => ({ ...args, ...asResource(each, args) }) as unknown as ResourceValidationArgs,
    );
}

/** A stack's resources with what they bring along, and the carrier of each of those. */
function expanded(stack: PolicyResource[]): { resources: PolicyResource[]; carriers: Map<string, PolicyResource> } {
    const carriers = new Map<string, PolicyResource>();
    const resources = [...stack];
    for (const carrier of stack.filter(({ type }) => isCarrier(type))) {
        for (const each of contentsOf(carrier, accountOf(carrier) ?? "")?.resources ?? []) {
            carriers.set(each.urn, carrier);
            resources.push({ ...carrier, ...asResource(each, carrier) });
        }
    }
    return { resources, carriers };
}

function asResource(
    carried: Carried,
    { opts }: Pick<PolicyResource, "opts">,
): Carried & Pick<PolicyResource, "isType" | "asType" | "opts"> {
    const isType: PolicyResource["isType"] = (resourceClass) =>
        (resourceClass as unknown as { __pulumiType?: string }).__pulumiType === carried.type;
    return {
        ...carried,
        isType,
        asType: ((resourceClass: Parameters<typeof isType>[0]) =>
            isType(resourceClass) ? carried.props : undefined) as PolicyResource["asType"],
        opts: { ...opts, ignoreChanges: [] },
    };
}

function within(carrier: ResourceValidationArgs, carried: { name: string }, reportViolation: ReportViolation): ReportViolation {
    return (message) => reportViolation(carrier.name === carried.name ? message : told(carrier, message));
}

const told = ({ name }: { name: string }, message: string): string => `Within "${name}": ${message}`;
