/** Availability Zones of the clean room: those that offer the forensic instance's type and every endpoint. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/**
 * Zones that stand in every list, by name; the subnets take them in this order.
 *
 * @param lists zones that are available, that offer the instance type, that offer each endpoint; undefined where a stand-in for AWS does not
 *   know the question, which then narrows nothing
 * @param count subnets to place; two of them share a zone where there is only one
 * @throws when no zone stands in all of them
 */
export function chooseZones(lists: Readonly<Record<string, readonly string[] | undefined>>, count: number, region: string): string[] {
    const answered = Object.entries(lists).flatMap(([what, zones]) => (zones === undefined ? [] : [{ what, zones }]));
    const [first = [], ...others] = answered.map(({ zones }) => zones);
    const suitable = [...first].sort().filter((zone) => others.every((list) => list.includes(zone)));
    if (suitable.length === 0)
        throw new Error(
            `No Availability Zone of ${region} has everything the clean room needs: ${answered
                .map(({ what, zones }) => `${what}: ${zones.length > 0 ? zones.join(", ") : "none"}`)
                .join("; ")}. Name another type for the Region in forensicInstance.types.`,
        );
    return Array.from({ length: count }, (_, index) => suitable[index % suitable.length]!);
}

/**
 * Asks AWS.
 *
 * @param inRegion provider whose own Region it is: the question for endpoints takes no Region
 * @returns one zone a subnet
 */
export function zonesFor(
    { region, instanceType, services, count }: { region: string; instanceType: string; services: readonly string[]; count: number },
    opts: pulumi.InvokeOptions,
    inRegion: aws.Provider,
): pulumi.Output<string[]> {
    const available = aws.getAvailabilityZonesOutput(
        { state: "available", region, filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] },
        opts,
    ).names;
    const offering = aws.ec2.getInstanceTypeOfferingsOutput(
        { region, locationType: "availability-zone", filters: [{ name: "instance-type", values: [instanceType] }] },
        opts,
    ).locations;
    const endpoints = services.map(
        (service) =>
            aws.ec2.getVpcEndpointServiceOutput(
                { serviceName: `com.amazonaws.${region}.${service}`, serviceType: "Interface" },
                { ...opts, provider: inRegion },
            ).availabilityZones,
    );
    return pulumi.all([available, offering, pulumi.all(endpoints)]).apply(([open, offered, served]) =>
        chooseZones(
            {
                "open zones": open,
                [instanceType]: offered,
                ...Object.fromEntries(services.map((service, index) => [`endpoint ${service}`, served[index]!])),
            },
            count,
            region,
        ),
    );
}
