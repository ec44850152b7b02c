export type { ToolListLimits } from './listing/limits.ts';
export { loadTools } from './load-tools.ts';
export type { LoadedTools, ServerFailure, ToolsChange } from './loaded-tools.ts';
export { mcpConnections } from './mcp-connections.ts';
export {
  accessMiddleware,
  type AccessMiddlewareOptions,
  type ToolCallToApprove,
  type Verdict,
} from './middleware/access-middleware.ts';
export type { StepUpRequest } from './middleware/step-up-approval.ts';
export type { LoadToolsOptions } from './options.ts';
export { type DenialArtifact, type RefusalArtifact, refusalOf } from './refusals/artifact.ts';
export { type ToolOrigin, toolOrigin } from './tools/origin.ts';
