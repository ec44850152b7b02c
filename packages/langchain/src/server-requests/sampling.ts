import { isJsonObject, type JsonObject, stringField, stringList } from '@credence/protocol';
import { z } from 'zod';
import type { SamplingRequest } from './requests.ts';

const contentSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.enum(['image', 'audio']), data: z.string(), mimeType: z.string() }),
]);

const answerSchema = z.object({
  content: z.union([z.string().transform((text) => ({ type: 'text' as const, text })), contentSchema]),
  model: z.string(),
  stopReason: z.string().optional(),
});

/** The members of a sampling request that the callback gets, or undefined for a request that uses what this client did not offer. */
export function sampledBy(params: JsonObject): Omit<SamplingRequest, 'server' | 'signal'> | undefined {
  // The capability `sampling.tools` (MCP 2025-11-25) is not declared.
  if (params['tools'] !== undefined || params['toolChoice'] !== undefined) return undefined;
  const messages = (Array.isArray(params['messages']) ? params['messages'] : []).map(messageOf);
  if (messages.includes(undefined)) return undefined;
  const { maxTokens, temperature, modelPreferences } = params;
  const hints = isJsonObject(modelPreferences) ? modelPreferences['hints'] : undefined;
  return {
    messages: messages.filter((message) => message !== undefined),
    systemPrompt: stringField(params, 'systemPrompt'),
    maxTokens: typeof maxTokens === 'number' ? maxTokens : 0,
    temperature: typeof temperature === 'number' ? temperature : undefined,
    stopSequences: stringList(params['stopSequences']) ?? [],
    preferredModels: (Array.isArray(hints) ? hints : []).flatMap((hint) =>
      isJsonObject(hint) && typeof hint['name'] === 'string' ? [hint['name']] : [],
    ),
  };
}

function messageOf(message: unknown): SamplingRequest['messages'][number] | undefined {
  if (!isJsonObject(message)) return undefined;
  const { role, content } = message;
  if (role !== 'user' && role !== 'assistant') return undefined;
  const parts = (Array.isArray(content) ? content : [content]).map((part) => contentSchema.safeParse(part).data);
  return parts.includes(undefined) ? undefined : { role, content: parts.filter((part) => part !== undefined) };
}

/** A checked answer, as the SDKs take it. */
export type CheckedSampling = {
  readonly role: 'assistant';
  readonly content: z.output<typeof contentSchema>;
  readonly model: string;
  readonly stopReason?: string;
};

/** The result for the server. Undefined if the callback returned something else than a SamplingAnswer. */
export function checkedSampling(answer: unknown): CheckedSampling | undefined {
  const { data } = answerSchema.safeParse(answer);
  if (!data) return undefined;
  const { content, model, stopReason } = data;
  return { role: 'assistant', content, model, ...(stopReason !== undefined && { stopReason }) };
}
