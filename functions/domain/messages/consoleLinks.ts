/** Links into the AWS console of the right partition. Every value is encoded, so that none can leave its place. */
import type { Link } from "./message";

export interface Place {
    /** `aws`, `aws-cn`, `aws-us-gov`. */
    partition: string;
    region: string;
}

/** A lone surrogate cannot be encoded, and an identifier is never this long. */
const encode = (value: string) => encodeURIComponent(value.slice(0, 256).replace(/[\uD800-\uDFFF]/gu, ""));

const domains: Record<string, string> = { "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com" };
const consoleRoot = ({ partition, region }: Place) => `https://${encode(region)}.${domains[partition] ?? "console.aws.amazon.com"}`;

/** @param account of the instance */
export function instanceLink(place: Place, account: string, instanceId: string): Link {
    const region = encode(place.region);
    return {
        label: "Instance",
        url: `${consoleRoot(place)}/ec2/home?region=${region}#InstanceDetails:instanceId=${encode(instanceId)}`,
        place: { account, region: place.region },
    };
}

export function securityGroupLink(place: Place, account: string, groupId: string): Link {
    const region = encode(place.region);
    return {
        label: "Isolation group",
        url: `${consoleRoot(place)}/ec2/home?region=${region}#SecurityGroup:groupId=${encode(groupId)}`,
        place: { account, region: place.region },
    };
}

/** The object's page in the console of the forensics account, from where it can be opened or downloaded. */
export function objectLink(place: Place, label: string, bucket: string, key: string): Link {
    const region = encode(place.region);
    return {
        label,
        url: `${consoleRoot(place)}/s3/object/${encode(bucket)}?region=${region}&prefix=${encode(key)}`,
        place: { account: "forensics", region: place.region },
    };
}

/** Everything of an incident. */
export function prefixLink(place: Place, bucket: string, prefix: string): Link {
    const region = encode(place.region);
    return {
        label: "Evidence bucket",
        url: `${consoleRoot(place)}/s3/buckets/${encode(bucket)}?region=${region}&prefix=${encode(prefix)}`,
        place: { account: "forensics", region: place.region },
    };
}

/** Only for findings that GuardDuty itself made. @param account of the instance, where the finding is too */
export function findingLink(place: Place, account: string, findingId: string): Link {
    const region = encode(place.region);
    return {
        label: "GuardDuty finding",
        url: `${consoleRoot(place)}/guardduty/home?region=${region}#/findings?search=id%3D${encode(findingId)}`,
        place: { account, region: place.region },
    };
}

/** The support case in the Support Center. @param displayId the number that the console knows it by @param region of the partition's Support */
export function caseLink(partition: string, region: string, displayId: string): Link {
    const root = `https://support.${domains[partition] ?? "console.aws.amazon.com"}`;
    return {
        label: "Support case",
        url: `${root}/support/home#/case/?displayId=${encode(displayId)}`,
        place: { account: "forensics", region },
    };
}
