export { emaCapabilities } from './shared/ema-capabilities.ts';
export { mcpAuthProvider } from './v2/auth-provider.ts';
export { connectMcp, type ConnectMcpOptions } from './v2/connect.ts';
export { mcpTransport, type McpTransportOptions } from './v2/transport.ts';
