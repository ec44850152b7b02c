import { z } from 'zod';

const OBJECT = z.record(z.string(), z.unknown());
const FLAG = z.boolean().optional();
const TEXT = z.string().optional();

/**
 * The result of `initialize` (MCP 2025-11-25, schema `InitializeResult`), as strict as the MCP SDKs, which refuse to connect to a
 * server with another one. Capabilities and members that are not known may have any value.
 */
const INITIALIZE_RESULT = z.looseObject({
  protocolVersion: z.string(),
  capabilities: z.looseObject({
    experimental: z.record(z.string(), OBJECT).optional(),
    extensions: z.record(z.string(), OBJECT).optional(),
    logging: OBJECT.optional(),
    completions: OBJECT.optional(),
    prompts: z.looseObject({ listChanged: FLAG }).optional(),
    resources: z.looseObject({ subscribe: FLAG, listChanged: FLAG }).optional(),
    tools: z.looseObject({ listChanged: FLAG }).optional(),
    tasks: OBJECT.optional(),
  }),
  serverInfo: z.looseObject({
    name: z.string(),
    version: z.string(),
    title: TEXT,
    websiteUrl: TEXT,
    description: TEXT,
    icons: z
      .array(
        z.looseObject({
          src: z.string(),
          mimeType: TEXT,
          sizes: z.array(z.string()).optional(),
          theme: z.enum(['light', 'dark']).optional(),
        }),
      )
      .optional(),
  }),
  instructions: TEXT,
  _meta: OBJECT.optional(),
});

/** The first member of a result of `initialize` that is missing or wrong, such as `serverInfo.version`. Undefined for a valid one. */
export function wrongMember(result: unknown): string | undefined {
  const { error } = INITIALIZE_RESULT.safeParse(result);
  // The third member of a path can be a name that the server chose.
  return error?.issues[0]?.path.slice(0, 2).join('.');
}
