import { cleanLines, isJsonObject, type JsonObject } from '@credence/protocol';
import { safeSchemaValidator } from '@credence/sdk-adapter';
import { z } from 'zod';
import { modelSchema } from '../schema/model-schema.ts';

const MAX_MESSAGE = 8_000;

const answerSchema = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('accept'),
    content: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
  }),
  z.object({ action: z.enum(['decline', 'cancel']) }),
]);

/** A checked answer, as the SDKs take it. */
export type CheckedElicitation = z.output<typeof answerSchema>;

/** What a server asks for, and the schema for its values. */
export interface Asked {
  readonly message: string;
  readonly requestedSchema: JsonObject;
}

/** The texts of an elicitation for the callback. Throws an UnusableSchemaError if its schema is too large. */
export function askedBy(params: JsonObject): Asked {
  const { message, requestedSchema } = params;
  return {
    message: typeof message === 'string' ? cleanLines(message, { max: MAX_MESSAGE }) : '',
    requestedSchema: modelSchema(isJsonObject(requestedSchema) ? requestedSchema : {}).schema,
  };
}

/** The answer of the callback, or what is wrong with it, as the end of a sentence. The values are checked with the schema of the server. */
export function checkedElicitation(
  answer: unknown,
  params: JsonObject,
): { answer: CheckedElicitation } | { fault: string } {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) {
    return {
      fault: `returned something else than { action: 'accept', content }, { action: 'decline' } or { action: 'cancel' }`,
    };
  }
  const { data } = parsed;
  if (data.action !== 'accept') return { answer: data };
  const validate = safeSchemaValidator().getValidator(params['requestedSchema']);
  return validate(data.content).valid
    ? { answer: data }
    : { fault: 'returned values that do not match the requested schema' };
}
