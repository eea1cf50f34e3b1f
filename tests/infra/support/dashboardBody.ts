/**
 * The body of a dashboard as AWS's page describes it, of the parts that we use; anything else in it is refused. AWS publishes no schema.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 */
import { z } from "zod";

const title = z.string().min(1);
const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/);
/** Namespace, metric, up to thirty dimensions as name and value, and at the end how it is shown. */
const metric = z
    .array(
        z.union([
            z.string().min(1).max(1024),
            z.strictObject({
                stat: z
                    .string()
                    .regex(/^(SampleCount|Average|Sum|Minimum|Maximum|p\d{1,2}(\.\d+)?)$/)
                    .optional(),
                label: z.string().optional(),
            }),
        ]),
    )
    .refine((parts) => parts.slice(0, -1).every((part) => typeof part === "string"), "only the last part is an object")
    .refine((parts) => {
        const words = parts.filter((part) => typeof part === "string").length;
        return words >= 2 && words % 2 === 0 && words <= 2 + 2 * 30;
    }, "a namespace, a name, and pairs of a dimension and its value");
/** A grid 24 wide. */
const place = {
    x: z.number().int().min(0).max(23),
    y: z.number().int().min(0),
    width: z.number().int().min(1).max(24),
    height: z.number().int().min(1).max(1000),
};
const widget = z
    .discriminatedUnion("type", [
        z.strictObject({ ...place, type: z.literal("text"), properties: z.strictObject({ markdown: z.string().min(1) }) }),
        z.strictObject({
            ...place,
            type: z.literal("alarm"),
            properties: z.strictObject({
                title,
                alarms: z
                    .array(z.string().regex(/^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.+$/))
                    .min(1)
                    .max(100),
                sortBy: z.enum(["default", "stateUpdatedTimestamp", "timestamp"]),
            }),
        }),
        z.strictObject({
            ...place,
            type: z.literal("metric"),
            properties: z.strictObject({
                title,
                region,
                view: z.enum(["timeSeries", "singleValue", "bar", "pie", "table", "gauge"]),
                stat: z.enum(["SampleCount", "Average", "Sum", "Minimum", "Maximum"]),
                period: z.number().int().positive().multipleOf(60),
                metrics: z.array(metric).min(1).max(500),
                setPeriodToTimeRange: z.boolean().optional(),
            }),
        }),
        z.strictObject({
            ...place,
            type: z.literal("log"),
            properties: z.strictObject({
                title,
                region,
                view: z.enum(["table", "timeSeries", "bar", "pie"]),
                query: z
                    .string()
                    .regex(/^SOURCE '/)
                    .max(10_000),
            }),
        }),
    ])
    .refine(({ x, width }) => x + width <= 24, "wider than the grid");
const variable = z
    .strictObject({
        type: z.literal("pattern"),
        pattern: z.string().min(1),
        inputType: z.enum(["input", "select", "radio"]),
        id: z
            .string()
            .regex(/^[A-Za-z0-9_-]+$/)
            .max(32),
        label: z.string().min(1),
        defaultValue: z.string().min(1),
        visible: z.boolean(),
        values: z
            .array(z.strictObject({ label: z.string(), value: z.string() }))
            .min(1)
            .optional(),
    })
    .refine(
        ({ inputType, values, defaultValue }) =>
            inputType === "input" ? values === undefined : values?.some(({ value }) => value === defaultValue),
        {
            message: "an input has no values, and what is chosen first is one of them",
        },
    );

export const dashboardSchema = z.strictObject({
    start: z.string().regex(/^-P(\d+[DWMY]|T\d+[HM])$/),
    periodOverride: z.enum(["auto", "inherit"]),
    variables: z.array(variable).max(25),
    widgets: z.array(widget).min(1).max(500),
});
