/** The code of agents with LangChain. It uses every name of `@credence/langchain`, and no cast. */
import type { DynamicStructuredTool } from '@langchain/core/tools';
import {
  auditTrail,
  type CredenceError,
  type CredenceEvent,
  fromIdToken,
  type OnBehalfOfOptions,
  RUN_HEADER,
  type UserTokenGetter,
} from '@credence/core';
import {
  accessMiddleware,
  type AccessMiddlewareOptions,
  type ApproveStepUpOption,
  type ConnectionOptions,
  type ContentOptions,
  type DenialArtifact,
  type ElicitationAnswer,
  type ElicitationRequest,
  type EvictReason,
  type ListedPrompt,
  type ListedResource,
  type ListedResourceTemplate,
  type LoadedContent,
  type LoadedTools,
  loadTools,
  type LoadToolsOptions,
  mcpConnections,
  type OnElicitation,
  type OnSampling,
  type PrincipalPool,
  principalPool,
  type PrincipalPoolOptions,
  type PromptArgument,
  type PromptList,
  type RefusalArtifact,
  refusalOf,
  type ResourceContent,
  type ResourceList,
  type ResourceTemplateList,
  type RetryPauses,
  type RunConfig,
  type SamplingAnswer,
  type SamplingContent,
  type SamplingRequest,
  type ServerFailure,
  ServicePrincipal,
  type StepUpAnswer,
  stepUpAnswer,
  type StepUpInterrupt,
  stepUpInterruptIn,
  type StepUpRequest,
  type ToolCallToApprove,
  type ToolCallTrace,
  type ToolListLimits,
  type ToolOrigin,
  toolOrigin,
  type ToolsChange,
  type ToolsOfRun,
  type Approval,
} from '@credence/langchain';
import {
  type Mastra0ServerConfig,
  type MastraServerConfig,
  type McpServerConfig,
  mcpServersConfig,
  type ServerFetch,
} from '@credence/sdk-adapter';
import { mcpServersConfig as mcpServersConfigV2 } from '@credence/sdk-adapter/v2';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { Command, END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { createAgent } from 'langchain';
import * as z from 'zod';

const model = new FakeListChatModel({ responses: ['done'] });

const retry: RetryPauses = { firstMs: 1_000, maxMs: 60_000 };
const limits: ToolListLimits = { pages: 10, tools: 100, bytes: 1_000_000, totalMs: 10_000 };
const onElicitation: OnElicitation = ({ message, requestedSchema, signal }: ElicitationRequest): ElicitationAnswer =>
  signal.aborted || 'password' in requestedSchema
    ? { action: 'decline' }
    : { action: 'accept', content: { message, times: 2, sure: true, colours: ['red'] } };
const onSampling: OnSampling = async ({ messages, maxTokens }: SamplingRequest): Promise<SamplingAnswer> => {
  const parts: readonly SamplingContent[] = messages.flatMap(({ content }) => content);
  const text = parts.map((part) => (part.type === 'text' ? part.text : part.mimeType)).join(' ');
  return { content: text.slice(0, maxTokens), model: 'scripted', stopReason: 'endTurn' };
};
const isUsual = ({ server, scopes }: StepUpRequest) => server === 'tracker' && scopes.includes('issues:write');
const approveStepUp: ApproveStepUpOption = async (request) =>
  isUsual(request) && request.call.principal !== 'guest' && 'title' in request.call.args;
const connection: ConnectionOptions = {
  transport: { tracker: 'http', legacy: 'sse' },
  toolTimeoutMs: 30_000,
  resetTimeoutOnProgress: true,
  maxTotalTimeoutMs: 300_000,
  onProgress({ progress, total, message }, source) {
    if (source.type === 'tool') console.log(source.server, source.name, source.args, progress, total, message);
  },
  useStandardContentBlocks: true,
  outputHandling: { text: 'content', image: 'artifact' },
  beforeToolCall: ({ serverName, name, args }) => ({ args: { ...Object(args), serverName, name } }),
  afterToolCall: ({ result }) => ({ result }),
  onElicitation,
  onSampling,
};
const options: LoadToolsOptions = {
  ...connection,
  onRefused: 'throw',
  approveStepUp,
  contextKey: 'tenant',
  sdk: 'v2',
  connectTimeoutMs: 5_000,
  deadlineMs: 10_000,
  retry,
  onChanged: ({ server, joined, changed, left, failures }: ToolsChange) =>
    console.log(server, joined.length, changed.length, left.length, failures.length),
  limits,
};

/** The tools are those that `createAgent` and ToolNode take, and so is the middleware. */
export async function agents(bot: ServicePrincipal): Promise<readonly string[]> {
  await using loaded: LoadedTools = await loadTools(bot, ['tracker', new URL('https://mcp.tracker.example')], options);
  const tools: DynamicStructuredTool[] = loaded.tools;
  const failures: ServerFailure[] = loaded.failures;
  const plain = createAgent({ model, tools, systemPrompt: loaded.failuresAsText() });
  const access: AccessMiddlewareOptions = {
    tools: loaded,
    contextKey: 'tenant',
    hide: ({ name, server, tool, principal }) => name === server || tool === principal,
    hideUnusable: true,
    hideRefusedForMs: 0,
    approve: (call: ToolCallToApprove): Approval => (call.name === 'delete' ? 'Never.' : true),
    approveStepUp: 'interrupt',
    toolErrors: 'throw',
  };
  const agent = createAgent({ model, tools: loaded.tools, middleware: [accessMiddleware(access), accessMiddleware()] });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode('tools', new ToolNode(await loaded.getTools('tracker')))
    .addEdge(START, 'model')
    .addConditionalEdges('model', toolsCondition, ['tools', END])
    .addEdge('tools', 'model')
    .compile();
  const input = { messages: [new HumanMessage('report')] };
  const answers = [await plain.invoke(input), await agent.invoke(input), await graph.invoke(input)];
  await loaded.reload(['tracker']);
  const origins: (ToolOrigin | undefined)[] = loaded.tools.map((tool) => toolOrigin(tool));
  return [
    ...answers.flatMap(({ messages }) => messages.map(({ text }) => text)),
    ...origins.map((origin) => `${origin?.server}/${origin?.tool}`),
    ...failures.map(({ server, error, loaded: count }) => `${server} ${error.remedy} ${error.contact} ${count}`),
  ];
}

/** A person answers a step-up, and reads what was refused. */
export async function resume(
  agent: { invoke(input: Command): Promise<{ messages: readonly unknown[] }> },
  interrupt: unknown,
): Promise<readonly (string | undefined)[]> {
  const question: StepUpInterrupt | undefined = stepUpInterruptIn(interrupt);
  if (question === undefined) return [];
  const answer: StepUpAnswer = stepUpAnswer(interrupt, question.scopes.length === 1);
  const { messages } = await agent.invoke(new Command({ resume: answer }));
  return messages.flatMap((message) => {
    if (!ToolMessage.isInstance(message)) return [];
    const artifact: RefusalArtifact | DenialArtifact | undefined = refusalOf(message) ?? message.artifact;
    return [artifact && 'error' in artifact ? artifact.error['remedy'] : message.text];
  });
}

/** Resources and prompts. */
export async function content(loaded: LoadedContent, signal: AbortSignal): Promise<readonly string[]> {
  const within: ContentOptions = { signal };
  const { resources }: ResourceList = await loaded.resources('tracker', within);
  const { resourceTemplates }: ResourceTemplateList = await loaded.resourceTemplates();
  const { prompts, failures }: PromptList = await loaded.prompts();
  const contents: ResourceContent[] = await loaded.readResource('tracker', 'notes://1');
  const messages = await loaded.prompt('tracker', 'announce', { version: '1' }, within);
  return [
    ...resources.map(({ uri }: ListedResource) => uri),
    ...resourceTemplates.map(({ uriTemplate }: ListedResourceTemplate) => uriTemplate),
    ...prompts.flatMap((prompt: ListedPrompt) => prompt.arguments.map(({ name }: PromptArgument) => name)),
    ...contents.map(({ text, blob }) => text ?? blob ?? ''),
    ...messages.map(({ text }) => text),
    ...failures.map(({ server }) => server),
  ];
}

/** Many tenants: each run has the tools of its principal. */
export async function tenants(): Promise<string> {
  const settings: PrincipalPoolOptions = {
    create: (key) => ServicePrincipal.fromEnv(process.env, { label: key, onEvent: auditTrail(() => undefined) }),
    servers: ['tracker'],
    loadTools: (key) => ({ ...options, deadlineMs: key.length * 1_000 }),
    maxIdle: 100,
    max: 1_000,
    idleMs: 60_000,
    createTimeoutMs: 5_000,
    contextKey: 'principal',
    onEvict: (key: string, reason: EvictReason) => console.log(key, reason),
    onRefusal: (error: CredenceError, key: string | undefined) => console.log(error.code, key),
  };
  await using pool: PrincipalPool = principalPool(settings);
  const ofRun: ToolsOfRun = pool.toolsFor;
  const config: RunConfig = { context: { principal: 'acme' } };
  const agent = createAgent({
    model,
    contextSchema: z.object({ principal: z.string() }),
    middleware: [accessMiddleware({ tools: ofRun })],
  });
  const { messages } = await agent.invoke(
    { messages: [new HumanMessage('report')] },
    { context: { principal: 'acme' } },
  );
  const node = new ToolNode(await pool.tools('acme'));
  const scopes = await pool.use('acme', async (bot) => (await bot.token('tracker')).scopes);
  await pool.evict('acme');
  return [node.tools.length, (await pool.toolsFor(config)).tools.length, messages.length, ...scopes].join(' ');
}

/** A bot that acts for a user is a principal as any other. */
export async function forUser(bot: ServicePrincipal, idToken: string): Promise<number> {
  const getToken: UserTokenGetter = () => idToken;
  const who: OnBehalfOfOptions = { identity: 'alice', run: 'run-1' };
  const user: ServicePrincipal = bot.onBehalfOf(getToken, who);
  const other = bot.onBehalfOf(
    fromIdToken(async () => idToken),
    { identity: 'alice' },
  );
  const { tools, close } = await loadTools(user);
  await close();
  await Promise.all([user.close(), other.close()]);
  return tools.length + RUN_HEADER.length;
}

/** What frameworks take. */
export function connections(bot: ServicePrincipal): readonly unknown[] {
  const servers: Readonly<Record<string, McpServerConfig>> = mcpServersConfig(bot, { servers: ['tracker'] });
  const mastra: Readonly<Record<string, MastraServerConfig>> = mcpServersConfig(bot, { framework: 'mastra' });
  const before: Readonly<Record<string, Mastra0ServerConfig>> = mcpServersConfig(bot, { framework: 'mastra-0' });
  const fetchOfServer: ServerFetch | undefined = mcpServersConfigV2(bot)['tracker']?.fetch;
  const fetchLike: typeof fetch = bot.fetchFor('tracker');
  const client = new MultiServerMCPClient({ mcpServers: mcpConnections(bot) });
  return [servers, mastra, before, fetchOfServer, fetchLike, client];
}

export function describeEvent(event: CredenceEvent, trace: ToolCallTrace): string {
  return `${event.type} ${trace.server} ${trace.scopes?.join(' ')} ${trace.tokenAgeMs}`;
}
