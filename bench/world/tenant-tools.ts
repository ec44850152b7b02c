const TEXT = (what: string) => ({ type: 'string', description: `The ${what} as the user wrote it, without quotes.` });

/** Five tools with the kind of schema that servers have: some parameters with texts, a list, an object, and an output schema. */
export function listOf(server: string): object {
  const record = {
    type: 'object',
    properties: {
      id: { type: 'string', pattern: '^[A-Z]+-[0-9]+$' },
      title: { type: 'string', maxLength: 200 },
      state: { enum: ['open', 'closed'] },
      points: { type: 'integer', minimum: 0 },
    },
    required: ['id', 'title', 'state'],
  };
  const tool = (verb: string, more: object, outputSchema?: object) => ({
    name: `${verb}_${server}`,
    description: `Lets the caller ${verb} the ${server} of the workspace. Use it only when the user has named the ${server}.`,
    inputSchema: {
      type: 'object',
      properties: { query: TEXT('query'), ...more },
      required: ['query'],
      additionalProperties: false,
    },
    annotations: { title: `${verb} ${server}`, readOnlyHint: verb !== 'update' },
    ...(outputSchema && { outputSchema }),
  });
  const page = { limit: { type: 'integer', minimum: 1, maximum: 100 }, cursor: TEXT('cursor') };
  const fields = { type: 'array', items: { type: 'string', enum: ['id', 'title', 'state', 'points'] }, maxItems: 4 };
  const issues = { type: 'object', properties: { records: { type: 'array', items: record } }, required: ['records'] };
  return {
    tools: [
      tool('find', { ...page, fields }),
      tool('search', { ...page, order: { enum: ['newest', 'oldest'] } }, issues),
      tool('update', { record, reason: { anyOf: [TEXT('reason'), { type: 'null' }] } }),
      tool('watch', { since: { type: 'string', format: 'date-time' }, fields }),
      tool('count', { filter: { type: 'object', properties: { state: TEXT('state'), owner: TEXT('owner') } } }),
    ],
  };
}

/** The result of a call is a text and, for the tool with an output schema, the same as structured content. */
export function resultOf(method: string, tenant: string): unknown {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'bench', version: '1' },
      };
    case 'tools/call':
      return {
        content: [{ type: 'text', text: tenant }],
        structuredContent: { records: [{ id: 'BOT-1', title: tenant, state: 'open' }] },
      };
    default:
      return {};
  }
}
