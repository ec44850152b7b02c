export type { SendRunId } from './access/run-of-tool.ts';
export { ServicePrincipal } from '@credence/core';
export type { ConnectionOptions } from './connection-options.ts';
export type { LoadedContent } from './content/content.ts';
export type {
  ContentOptions,
  ListedPrompt,
  ListedResource,
  ListedResourceTemplate,
  PromptArgument,
  PromptList,
  ResourceContent,
  ResourceList,
  ResourceTemplateList,
} from './content/types.ts';
export type { ToolListLimits } from './listing/limits.ts';
export type { RetryPauses } from './retry-pause.ts';
export { loadTools } from './load-tools.ts';
export type { LoadedTools, ServerFailure, ToolsChange } from './loaded-tools.ts';
export type { McpCallOptions, McpAdaptersConnection } from './mcp-adapters.ts';
export { mcpConnections } from './mcp-connections.ts';
export type { ToolCallTrace } from './access/call-trace.ts';
export type { StepUpRequest } from './approval/step-up-approval.ts';
export {
  type StepUpAnswer,
  stepUpAnswer,
  type StepUpInterrupt,
  stepUpInterruptIn,
} from './approval/step-up-question.ts';
export type { ApproveStepUpOption, ToolCallToApprove } from './approval/tool-call.ts';
export { accessMiddleware } from './middleware/access-middleware.ts';
export type { AccessMiddlewareOptions, Approval } from './middleware/options.ts';
export type { ToolsOfRun } from './middleware/tools-of-run.ts';
export type { LoadToolsOptions } from './options.ts';
export { type EvictReason, type PrincipalPoolOptions } from './pool/options.ts';
export { type PrincipalPool, principalPool } from './pool/principal-pool.ts';
export type { RunConfig } from './pool/key.ts';
export { type DenialArtifact, type RefusalArtifact, refusalOf } from './refusals/artifact.ts';
export { type ToolOrigin, toolOrigin } from './tools/origin.ts';
export type {
  ElicitationAnswer,
  ElicitationRequest,
  OnElicitation,
  OnSampling,
  SamplingAnswer,
  SamplingContent,
  SamplingRequest,
} from './server-requests/requests.ts';
