import type { PolicyResource } from "@pulumi/policy";
import { runtime } from "@pulumi/pulumi";
import { pairs, translationOf, type Translation } from "../catalogue/cloudFormation";
import { isLookedAt } from "../catalogue/network";
import { arnOf, readTemplate, type Template } from "./template";
import { throwOnUnknown } from "./unknown";
import { objectOf, reveal, show, UNKNOWN, type Properties, type Value } from "./values";

/** A resource that another one brings along, in the provider's words: what a template declares, or what Cloud Control or aws-native makes. */
export interface Carried {
    type: string;
    /** Its name in the template, or the carrier's. */
    name: string;
    /** The carrier's, with the name in the template after it. */
    urn: string;
    /** As a policy receives them: reading what is not known throws. */
    props: PolicyResource["props"];
    propertyDependencies: PolicyResource["propertyDependencies"];
}

/** What a carrier brings along, as far as it can be read. */
export interface Contents {
    resources: Carried[];
    /** What keeps it from being judged, as a violation says it of the carrier. */
    problems: string[];
    /** Properties that are not known before the update, on which more depends. */
    waiting: string[];
}

type Carrier = Pick<PolicyResource, "type" | "name" | "urn" | "props"> & Partial<Pick<PolicyResource, "propertyDependencies">>;

const CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource";
const EXTENSION = "aws-native:index:ExtensionResource";
const TEMPLATES = new Set(["aws:cloudformation/stack:Stack", "aws:cloudformation/stackSet:StackSet"]);

/** Types that deploy a template which nobody can read here. */
const UNREADABLE: Record<string, string> = {
    "aws:serverlessrepository/cloudFormationStack:CloudFormationStack": "an application of somebody's repository",
    "aws:servicecatalog/provisionedProduct:ProvisionedProduct": "a product of a service catalogue",
    "aws:cloudformation/cloudFormationType:CloudFormationType": "a resource type with code of its own",
    "aws:servicecatalog/product:Product": "a template of a service catalogue",
    "aws:servicecatalog/provisioningArtifact:ProvisioningArtifact": "a template of a service catalogue",
    "aws:ram/resourceShareAccepter:ResourceShareAccepter": "what another account shares",
};

/** Whether a resource brings others along. Cheap, since it is asked of every resource by every policy. */
export function isCarrier(type: string): boolean {
    return type.startsWith("aws-native:") || type === CLOUD_CONTROL || TEMPLATES.has(type) || type in UNREADABLE;
}

/** What a resource brings along, or undefined where it is none of those. @param accountId the account it lies in */
export function contentsOf(carrier: Carrier, accountId: string): Contents | undefined {
    if (!isCarrier(carrier.type)) {
        return undefined;
    }
    if (carrier.type in UNREADABLE) {
        return {
            resources: [],
            waiting: [],
            problems: [`deploys ${UNREADABLE[carrier.type]}, which cannot be read; declare its resources here`],
        };
    }
    const props = reveal(carrier.props);
    if (TEMPLATES.has(carrier.type)) {
        return fromTemplate(carrier, props, accountId);
    }
    const state = carrier.type === CLOUD_CONTROL ? "desiredState" : "properties";
    if (carrier.type === CLOUD_CONTROL || carrier.type === EXTENSION) {
        const name = carrier.type === EXTENSION ? props.type : props.typeName;
        if (typeof name !== "string") {
            return { resources: [], waiting: [], problems: [`does not say what it makes: its type is ${show(name)}; write it out`] };
        }
        return single(carrier, name, props[state], state, accountId);
    }
    const [, module, resource] = carrier.type.split(":");
    return single(carrier, `AWS::${module}::${resource}`, props, undefined, accountId);
}

/** @param from the property of the carrier that holds the state; undefined where the carrier's own properties are the state */
function single(carrier: Carrier, name: string, state: Value, from: string | undefined, accountId: string): Contents {
    const translation = translationOf(name);
    if (translation === "harmless") {
        return { resources: [], problems: [], waiting: [] };
    }
    if (translation === "unread") {
        return { resources: [], waiting: [], problems: [unread(name)] };
    }
    const depends = carrier.propertyDependencies ?? {};
    if (state === UNKNOWN) {
        const unknown: Properties = Object.fromEntries<Value>(
            [...Object.values(translation.rename), ...(isLookedAt(translation.type) ? PLACES : [])].map((property) => [property, UNKNOWN]),
        );
        const found = translated({
            carrier,
            name: carrier.name,
            translation,
            state: unknown,
            accountId,
            depends: () => depends[from ?? ""] ?? [],
        });
        return { ...collect([found], accountId), waiting: [from ?? ""] };
    }
    let known: Value = state;
    if (typeof state === "string") {
        try {
            known = JSON.parse(state) as Value;
        } catch {
            return { resources: [], waiting: [], problems: [`has a ${from} that is not JSON: ${show(state)}`] };
        }
    }
    const found = translated({
        carrier,
        name: carrier.name,
        translation,
        state: objectOf(known),
        accountId,
        depends: (property) => depends[from ?? property] ?? [],
    });
    return collect([found], accountId);
}

/** Properties that place a resource in a network, which count as not known where its whole state is not. A type in no list of the network has none. */
const PLACES = ["vpcId", "subnetId", "subnetIds", "securityGroupId", "routeTableId", "networkInterfaceId"];

/** The last templates read: every policy asks for the same. */
const read = new Map<string, Template>();

function fromTemplate(carrier: Carrier, props: Properties, accountId: string): Contents {
    const { templateBody, templateUrl } = props;
    if (templateBody === UNKNOWN) {
        return { resources: [], problems: [], waiting: ["templateBody"] };
    }
    if (typeof templateBody !== "string" || templateBody === "") {
        const where = templateUrl === undefined ? "" : ` from ${show(templateUrl)}, which cannot be read here`;
        return { resources: [], waiting: [], problems: [`takes its template${where}; give it as templateBody`] };
    }
    const parameters = props.parameters === UNKNOWN ? {} : objectOf(props.parameters);
    const cacheKey = JSON.stringify([accountId, parameters, templateBody], (_, each: unknown) => (each === UNKNOWN ? null : each));
    const template = read.get(cacheKey) ?? readTemplate(templateBody, { accountId, parameters });
    read.set(cacheKey, template);
    if (read.size > 20) {
        read.delete([...read.keys()][0]);
    }
    const problems = template.problems.map((problem) => `has a template that ${problem}`);
    const found: Carried[] = [];
    for (const { logicalId, type, properties } of template.resources) {
        const translation = translationOf(type);
        if (translation === "unread") {
            problems.push(`has a template with "${logicalId}": ${unread(type)}`);
        } else if (translation !== "harmless") {
            const state = { ...properties, Id: logicalId, Arn: arnOf(logicalId, accountId) };
            found.push(translated({ carrier, name: logicalId, translation, state, accountId, depends: () => [] }));
        }
    }
    const all = collect(found, accountId);
    return { ...all, problems: [...problems, ...all.problems] };
}

/** With what the found ones bring along themselves: a stack within a stack. */
function collect(found: Carried[], accountId: string): Contents {
    const nested = found.flatMap((each) => contentsOf(each, accountId) ?? []);
    return {
        resources: [...found, ...nested.flatMap(({ resources }) => resources)],
        problems: nested.flatMap(({ problems }) => problems),
        waiting: [],
    };
}

const unread = (name: string): string =>
    `of ${name} nobody has decided what it means; declare it with @pulumi/aws, or read it and add it to policies/catalogue/cloudFormation.ts`;

function translated(request: {
    carrier: Carrier;
    name: string;
    translation: Translation;
    state: Properties;
    accountId: string;
    depends: (property: string) => PolicyResource[];
}): Carried {
    const { carrier, name, translation, state, depends } = request;
    const propertyDependencies: PolicyResource["propertyDependencies"] = {};
    let props: Properties = {};
    for (const [theirs, value] of Object.entries(state)) {
        const ours = translation.rename[theirs.toLowerCase()] ?? camel(theirs);
        props[ours] = inOurCase(value, theirs);
        const behind = depends(theirs);
        if (behind.length > 0) {
            propertyDependencies[ours] = behind;
        }
    }
    props.tags = pairs(props.tags);
    props = translation.reshape?.(props) ?? props;
    return {
        type: translation.type,
        name,
        urn: `${carrier.urn}#${name}`,
        props: throwOnUnknown(asSent(props) as object) as PolicyResource["props"],
        propertyDependencies,
    };
}

/** Properties that are texts or documents of their own, whose names are not CloudFormation's to spell. */
const OPAQUE =
    /document$|^(assumeRole|key|resource|access|inline|fileSystem|repository\w*)?policy$|pattern|variables|statement|definition|template|parameters|desiredstate/i;

/** `VpcId` is `vpcId`, all the way down. */
function inOurCase(value: Value, name: string): Value {
    if (OPAQUE.test(name)) {
        return value;
    }
    if (Array.isArray(value)) {
        return value.map((each) => inOurCase(each, name === "Policies" ? "" : name));
    }
    return value !== null && typeof value === "object"
        ? Object.fromEntries(Object.entries(value).map(([key, each]) => [camel(key), inOurCase(each, key)]))
        : value;
}

const camel = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** What the SDK sends in place of a value that is not known. */
function asSent(value: Value): unknown {
    if (value === UNKNOWN) {
        return runtime.unknownValue;
    }
    if (Array.isArray(value)) {
        return value.map(asSent);
    }
    return value !== null && typeof value === "object"
        ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, asSent(each)]))
        : value;
}
