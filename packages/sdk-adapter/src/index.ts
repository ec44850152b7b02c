export { emaCapabilities } from './shared/ema-capabilities.ts';
export type { ToolLeftOut } from './shared/listed-tools.ts';
export { mcpAuthProvider } from './v1/auth-provider.ts';
export { connectMcp, type ConnectMcpOptions } from './v1/connect.ts';
export { mcpTransport, type McpTransportOptions } from './v1/transport.ts';
export { type Mastra0ServerConfig, mcpServersConfig } from './v1/servers-config.ts';
export type {
  MastraServerConfig,
  McpServerConfig,
  McpServersConfigOptions,
  ServerFetch,
} from './shared/servers-config.ts';
export type { SchemaLimits } from './schema/limits.ts';
export {
  safeSchemaValidator,
  type SafeSchemaValidator,
  type SafeSchemaValidatorOptions,
  type SchemaValidatorResult,
  type UnusableSchemaReport,
} from './schema/safe-schema-validator.ts';
