SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.attachment_specs (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    attachment_id character varying(36) NOT NULL,
    key character varying(255),
    value character varying(255)
);
CREATE SEQUENCE public.attachment_specs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.attachment_specs_id_seq OWNED BY public.attachment_specs.id;
CREATE TABLE public.backup_metadata (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    backup_id character varying(36) NOT NULL,
    key character varying(255),
    value character varying(255)
);
CREATE SEQUENCE public.backup_metadata_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.backup_metadata_id_seq OWNED BY public.backup_metadata.id;
CREATE TABLE public.backups (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    volume_id character varying(36) NOT NULL,
    user_id character varying(255),
    project_id character varying(255),
    host character varying(255),
    availability_zone character varying(255),
    display_name character varying(255),
    display_description character varying(255),
    container character varying(255),
    status character varying(255),
    fail_reason character varying(255),
    service_metadata character varying(255),
    service character varying(255),
    size integer,
    object_count integer,
    parent_id character varying(36),
    temp_volume_id character varying(36),
    temp_snapshot_id character varying(36),
    num_dependent_backups integer,
    snapshot_id character varying(36),
    data_timestamp timestamp without time zone,
    restore_volume_id character varying(36),
    encryption_key_id character varying(36)
);
CREATE TABLE public.cgsnapshots (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    consistencygroup_id character varying(36) NOT NULL,
    user_id character varying(255),
    project_id character varying(255),
    name character varying(255),
    description character varying(255),
    status character varying(255)
);
CREATE TABLE public.clusters (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    "binary" character varying(255) NOT NULL,
    disabled boolean,
    disabled_reason character varying(255),
    race_preventer integer NOT NULL,
    replication_status character varying(36),
    active_backend_id character varying(255),
    frozen boolean DEFAULT false NOT NULL
);
CREATE SEQUENCE public.clusters_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.clusters_id_seq OWNED BY public.clusters.id;
CREATE TABLE public.consistencygroups (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    user_id character varying(255),
    project_id character varying(255),
    host character varying(255),
    availability_zone character varying(255),
    name character varying(255),
    description character varying(255),
    volume_type_id character varying(255),
    status character varying(255),
    cgsnapshot_id character varying(36),
    source_cgid character varying(36),
    cluster_name character varying(255)
);
CREATE TABLE public.default_volume_types (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    volume_type_id character varying(36),
    project_id character varying(255) NOT NULL,
    deleted boolean
);
CREATE TABLE public.driver_initiator_data (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    id integer NOT NULL,
    initiator character varying(255) NOT NULL,
    namespace character varying(255) NOT NULL,
    key character varying(255) NOT NULL,
    value character varying(255)
);
CREATE SEQUENCE public.driver_initiator_data_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.driver_initiator_data_id_seq OWNED BY public.driver_initiator_data.id;
CREATE TABLE public.encryption (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    cipher character varying(255),
    control_location character varying(255) NOT NULL,
    key_size integer,
    provider character varying(255) NOT NULL,
    volume_type_id character varying(36) NOT NULL,
    encryption_id character varying(36) NOT NULL
);
CREATE TABLE public.group_snapshots (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    group_id character varying(36) NOT NULL,
    user_id character varying(255),
    project_id character varying(255),
    name character varying(255),
    description character varying(255),
    status character varying(255),
    group_type_id character varying(36)
);
CREATE TABLE public.group_type_projects (
    id integer NOT NULL,
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    group_type_id character varying(36),
    project_id character varying(255),
    deleted boolean
);
CREATE SEQUENCE public.group_type_projects_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.group_type_projects_id_seq OWNED BY public.group_type_projects.id;
CREATE TABLE public.group_type_specs (
    id integer NOT NULL,
    key character varying(255),
    value character varying(255),
    group_type_id character varying(36) NOT NULL,
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean
);
CREATE SEQUENCE public.group_type_specs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.group_type_specs_id_seq OWNED BY public.group_type_specs.id;
CREATE TABLE public.group_types (
    id character varying(36) NOT NULL,
    name character varying(255) NOT NULL,
    description character varying(255),
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    is_public boolean
);
CREATE TABLE public.group_volume_type_mapping (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    volume_type_id character varying(36) NOT NULL,
    group_id character varying(36) NOT NULL
);
CREATE SEQUENCE public.group_volume_type_mapping_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.group_volume_type_mapping_id_seq OWNED BY public.group_volume_type_mapping.id;
CREATE TABLE public.groups (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    user_id character varying(255),
    project_id character varying(255),
    cluster_name character varying(255),
    host character varying(255),
    availability_zone character varying(255),
    name character varying(255),
    description character varying(255),
    group_type_id character varying(36),
    status character varying(255),
    group_snapshot_id character varying(36),
    source_group_id character varying(36),
    replication_status character varying(255)
);
CREATE TABLE public.image_volume_cache_entries (
    image_updated_at timestamp without time zone,
    id integer NOT NULL,
    host character varying(255) NOT NULL,
    image_id character varying(36) NOT NULL,
    volume_id character varying(36) NOT NULL,
    size integer NOT NULL,
    last_used timestamp without time zone NOT NULL,
    cluster_name character varying(255)
);
CREATE SEQUENCE public.image_volume_cache_entries_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.image_volume_cache_entries_id_seq OWNED BY public.image_volume_cache_entries.id;
CREATE TABLE public.messages (
    id character varying(36) NOT NULL,
    project_id character varying(255) NOT NULL,
    request_id character varying(255),
    resource_type character varying(36),
    resource_uuid character varying(255),
    event_id character varying(255) NOT NULL,
    message_level character varying(255) NOT NULL,
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    expires_at timestamp without time zone,
    detail_id character varying(10),
    action_id character varying(10)
);
CREATE TABLE public.quality_of_service_specs (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    specs_id character varying(36),
    key character varying(255),
    value character varying(255)
);
CREATE TABLE public.quota_classes (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    class_name character varying(255),
    resource character varying(300),
    hard_limit integer
);
CREATE SEQUENCE public.quota_classes_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.quota_classes_id_seq OWNED BY public.quota_classes.id;
CREATE TABLE public.quota_usages (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    project_id character varying(255),
    resource character varying(300),
    in_use integer NOT NULL,
    reserved integer NOT NULL,
    until_refresh integer,
    race_preventer boolean
);
CREATE SEQUENCE public.quota_usages_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.quota_usages_id_seq OWNED BY public.quota_usages.id;
CREATE TABLE public.quotas (
    id integer NOT NULL,
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    project_id character varying(255),
    resource character varying(300) NOT NULL,
    hard_limit integer,
    allocated integer
);
CREATE SEQUENCE public.quotas_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.quotas_id_seq OWNED BY public.quotas.id;
CREATE TABLE public.reservations (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    uuid character varying(36) NOT NULL,
    usage_id integer,
    project_id character varying(255),
    resource character varying(300),
    delta integer NOT NULL,
    expire timestamp without time zone,
    allocated_id integer
);
CREATE SEQUENCE public.reservations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.reservations_id_seq OWNED BY public.reservations.id;
CREATE TABLE public.services (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    host character varying(255),
    "binary" character varying(255),
    topic character varying(255),
    report_count integer NOT NULL,
    disabled boolean,
    availability_zone character varying(255),
    disabled_reason character varying(255),
    modified_at timestamp without time zone,
    rpc_current_version character varying(36),
    object_current_version character varying(36),
    replication_status character varying(36),
    frozen boolean,
    active_backend_id character varying(255),
    cluster_name character varying(255),
    uuid character varying(36)
);
CREATE SEQUENCE public.services_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.services_id_seq OWNED BY public.services.id;
CREATE TABLE public.snapshot_metadata (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    snapshot_id character varying(36) NOT NULL,
    key character varying(255),
    value character varying(255)
);
CREATE SEQUENCE public.snapshot_metadata_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.snapshot_metadata_id_seq OWNED BY public.snapshot_metadata.id;
CREATE TABLE public.snapshots (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    volume_id character varying(36) NOT NULL,
    user_id character varying(255),
    project_id character varying(255),
    status character varying(255),
    progress character varying(255),
    volume_size integer,
    scheduled_at timestamp without time zone,
    display_name character varying(255),
    display_description character varying(255),
    provider_location character varying(255),
    encryption_key_id character varying(36),
    volume_type_id character varying(36) NOT NULL,
    cgsnapshot_id character varying(36),
    provider_id character varying(255),
    provider_auth character varying(255),
    group_snapshot_id character varying(36),
    use_quota boolean DEFAULT true NOT NULL
);
CREATE TABLE public.transfers (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    volume_id character varying(36) NOT NULL,
    display_name character varying(255),
    salt character varying(255),
    crypt_hash character varying(255),
    expires_at timestamp without time zone,
    no_snapshots boolean,
    source_project_id character varying(255),
    destination_project_id character varying(255),
    accepted boolean
);
CREATE TABLE public.volume_admin_metadata (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    volume_id character varying(36) NOT NULL,
    key character varying(255),
    value character varying(255)
);
CREATE SEQUENCE public.volume_admin_metadata_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.volume_admin_metadata_id_seq OWNED BY public.volume_admin_metadata.id;
CREATE TABLE public.volume_attachment (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    volume_id character varying(36) NOT NULL,
    attached_host character varying(255),
    instance_uuid character varying(36),
    mountpoint character varying(255),
    attach_time timestamp without time zone,
    detach_time timestamp without time zone,
    attach_mode character varying(36),
    attach_status character varying(255),
    connection_info text,
    connector text
);
CREATE TABLE public.volume_glance_metadata (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    volume_id character varying(36),
    snapshot_id character varying(36),
    key character varying(255),
    value text
);
CREATE SEQUENCE public.volume_glance_metadata_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.volume_glance_metadata_id_seq OWNED BY public.volume_glance_metadata.id;
CREATE TABLE public.volume_metadata (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    volume_id character varying(36) NOT NULL,
    key character varying(255),
    value character varying(255)
);
CREATE SEQUENCE public.volume_metadata_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.volume_metadata_id_seq OWNED BY public.volume_metadata.id;
CREATE TABLE public.volume_type_extra_specs (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    volume_type_id character varying(36) NOT NULL,
    key character varying(255),
    value character varying(255)
);
CREATE SEQUENCE public.volume_type_extra_specs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.volume_type_extra_specs_id_seq OWNED BY public.volume_type_extra_specs.id;
CREATE TABLE public.volume_type_projects (
    id integer NOT NULL,
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    volume_type_id character varying(36),
    project_id character varying(255),
    deleted integer
);
CREATE SEQUENCE public.volume_type_projects_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.volume_type_projects_id_seq OWNED BY public.volume_type_projects.id;
CREATE TABLE public.volume_types (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    name character varying(255),
    qos_specs_id character varying(36),
    is_public boolean,
    description character varying(255)
);
CREATE TABLE public.volumes (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id character varying(36) NOT NULL,
    ec2_id character varying(255),
    user_id character varying(255),
    project_id character varying(255),
    host character varying(255),
    size integer,
    availability_zone character varying(255),
    status character varying(255),
    attach_status character varying(255),
    scheduled_at timestamp without time zone,
    launched_at timestamp without time zone,
    terminated_at timestamp without time zone,
    display_name character varying(255),
    display_description character varying(255),
    provider_location character varying(256),
    provider_auth character varying(256),
    snapshot_id character varying(36),
    volume_type_id character varying(36) NOT NULL,
    source_volid character varying(36),
    bootable boolean,
    provider_geometry character varying(255),
    _name_id character varying(36),
    encryption_key_id character varying(36),
    migration_status character varying(255),
    replication_status character varying(255),
    replication_extended_status character varying(255),
    replication_driver_data character varying(255),
    consistencygroup_id character varying(36),
    provider_id character varying(255),
    multiattach boolean,
    previous_status character varying(255),
    cluster_name character varying(255),
    group_id character varying(36),
    service_uuid character varying(36),
    shared_targets boolean,
    use_quota boolean DEFAULT true NOT NULL
);
CREATE TABLE public.workers (
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    deleted_at timestamp without time zone,
    deleted boolean,
    id integer NOT NULL,
    resource_type character varying(40) NOT NULL,
    resource_id character varying(36) NOT NULL,
    status character varying(255) NOT NULL,
    service_id integer,
    race_preventer integer DEFAULT 0 NOT NULL
);
CREATE SEQUENCE public.workers_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.workers_id_seq OWNED BY public.workers.id;
ALTER TABLE ONLY public.attachment_specs ALTER COLUMN id SET DEFAULT nextval('public.attachment_specs_id_seq'::regclass);
ALTER TABLE ONLY public.backup_metadata ALTER COLUMN id SET DEFAULT nextval('public.backup_metadata_id_seq'::regclass);
ALTER TABLE ONLY public.clusters ALTER COLUMN id SET DEFAULT nextval('public.clusters_id_seq'::regclass);
ALTER TABLE ONLY public.driver_initiator_data ALTER COLUMN id SET DEFAULT nextval('public.driver_initiator_data_id_seq'::regclass);
ALTER TABLE ONLY public.group_type_projects ALTER COLUMN id SET DEFAULT nextval('public.group_type_projects_id_seq'::regclass);
ALTER TABLE ONLY public.group_type_specs ALTER COLUMN id SET DEFAULT nextval('public.group_type_specs_id_seq'::regclass);
ALTER TABLE ONLY public.group_volume_type_mapping ALTER COLUMN id SET DEFAULT nextval('public.group_volume_type_mapping_id_seq'::regclass);
ALTER TABLE ONLY public.image_volume_cache_entries ALTER COLUMN id SET DEFAULT nextval('public.image_volume_cache_entries_id_seq'::regclass);
ALTER TABLE ONLY public.quota_classes ALTER COLUMN id SET DEFAULT nextval('public.quota_classes_id_seq'::regclass);
ALTER TABLE ONLY public.quota_usages ALTER COLUMN id SET DEFAULT nextval('public.quota_usages_id_seq'::regclass);
ALTER TABLE ONLY public.quotas ALTER COLUMN id SET DEFAULT nextval('public.quotas_id_seq'::regclass);
ALTER TABLE ONLY public.reservations ALTER COLUMN id SET DEFAULT nextval('public.reservations_id_seq'::regclass);
ALTER TABLE ONLY public.services ALTER COLUMN id SET DEFAULT nextval('public.services_id_seq'::regclass);
ALTER TABLE ONLY public.snapshot_metadata ALTER COLUMN id SET DEFAULT nextval('public.snapshot_metadata_id_seq'::regclass);
ALTER TABLE ONLY public.volume_admin_metadata ALTER COLUMN id SET DEFAULT nextval('public.volume_admin_metadata_id_seq'::regclass);
ALTER TABLE ONLY public.volume_glance_metadata ALTER COLUMN id SET DEFAULT nextval('public.volume_glance_metadata_id_seq'::regclass);
ALTER TABLE ONLY public.volume_metadata ALTER COLUMN id SET DEFAULT nextval('public.volume_metadata_id_seq'::regclass);
ALTER TABLE ONLY public.volume_type_extra_specs ALTER COLUMN id SET DEFAULT nextval('public.volume_type_extra_specs_id_seq'::regclass);
ALTER TABLE ONLY public.volume_type_projects ALTER COLUMN id SET DEFAULT nextval('public.volume_type_projects_id_seq'::regclass);
ALTER TABLE ONLY public.workers ALTER COLUMN id SET DEFAULT nextval('public.workers_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('9c74c1c6971f');
INSERT INTO public.group_type_specs VALUES (1, 'consistent_group_snapshot_enabled', '<is> True', '47324398-4c05-4ce5-9bfd-cea98f37a9a1', '2026-11-22 20:41:59.231021', '2026-11-22 20:41:59.231021', NULL, false);
INSERT INTO public.group_types VALUES ('47324398-4c05-4ce5-9bfd-cea98f37a9a1', 'default_cgsnapshot_type', 'Default group type for migrating cgsnapshot', '2026-11-22 20:41:59.231021', '2026-11-22 20:41:59.231021', NULL, false, true);
INSERT INTO public.quota_classes VALUES ('2026-11-22 20:41:58.426174', NULL, NULL, false, 1, 'default', 'volumes', 10);
INSERT INTO public.quota_classes VALUES ('2026-11-22 20:41:58.426174', NULL, NULL, false, 2, 'default', 'snapshots', 10);
INSERT INTO public.quota_classes VALUES ('2026-11-22 20:41:58.426174', NULL, NULL, false, 3, 'default', 'gigabytes', 1000);
INSERT INTO public.quota_classes VALUES ('2026-11-22 20:41:58.426174', NULL, NULL, false, 4, 'default', 'per_volume_gigabytes', -1);
INSERT INTO public.quota_classes VALUES ('2026-11-22 20:41:58.426174', NULL, NULL, false, 5, 'default', 'groups', 10);
INSERT INTO public.quota_classes VALUES ('2026-11-22 20:42:00.582377', NULL, NULL, false, 6, 'default', 'backups', 10);
INSERT INTO public.quota_classes VALUES ('2026-11-22 20:42:00.602336', NULL, NULL, false, 7, 'default', 'backup_gigabytes', 1000);
INSERT INTO public.volume_types VALUES ('2026-11-22 20:41:59.231021', '2026-11-22 20:41:59.231021', NULL, false, 'f675757b-a682-4205-b366-91bbe4d30b18', '__DEFAULT__', NULL, true, 'Default Volume Type');
INSERT INTO public.workers VALUES ('2026-11-22 20:41:59.000123', '2026-11-22 20:41:59.000123', NULL, false, 1, 'SENTINEL', 'SUB-SECOND', 'OK', NULL, 0);
SELECT pg_catalog.setval('public.attachment_specs_id_seq', 1, false);
SELECT pg_catalog.setval('public.backup_metadata_id_seq', 1, false);
SELECT pg_catalog.setval('public.clusters_id_seq', 1, false);
SELECT pg_catalog.setval('public.driver_initiator_data_id_seq', 1, false);
SELECT pg_catalog.setval('public.group_type_projects_id_seq', 1, false);
SELECT pg_catalog.setval('public.group_type_specs_id_seq', 1, true);
SELECT pg_catalog.setval('public.group_volume_type_mapping_id_seq', 1, false);
SELECT pg_catalog.setval('public.image_volume_cache_entries_id_seq', 1, false);
SELECT pg_catalog.setval('public.quota_classes_id_seq', 7, true);
SELECT pg_catalog.setval('public.quota_usages_id_seq', 1, false);
SELECT pg_catalog.setval('public.quotas_id_seq', 1, false);
SELECT pg_catalog.setval('public.reservations_id_seq', 1, false);
SELECT pg_catalog.setval('public.services_id_seq', 1, false);
SELECT pg_catalog.setval('public.snapshot_metadata_id_seq', 1, false);
SELECT pg_catalog.setval('public.volume_admin_metadata_id_seq', 1, false);
SELECT pg_catalog.setval('public.volume_glance_metadata_id_seq', 1, false);
SELECT pg_catalog.setval('public.volume_metadata_id_seq', 1, false);
SELECT pg_catalog.setval('public.volume_type_extra_specs_id_seq', 1, false);
SELECT pg_catalog.setval('public.volume_type_projects_id_seq', 1, false);
SELECT pg_catalog.setval('public.workers_id_seq', 1, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.attachment_specs
    ADD CONSTRAINT attachment_specs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.backup_metadata
    ADD CONSTRAINT backup_metadata_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.cgsnapshots
    ADD CONSTRAINT cgsnapshots_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.clusters
    ADD CONSTRAINT clusters_name_binary_race_preventer_key UNIQUE (name, "binary", race_preventer);
ALTER TABLE ONLY public.clusters
    ADD CONSTRAINT clusters_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consistencygroups
    ADD CONSTRAINT consistencygroups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.default_volume_types
    ADD CONSTRAINT default_volume_types_pkey PRIMARY KEY (project_id);
ALTER TABLE ONLY public.driver_initiator_data
    ADD CONSTRAINT driver_initiator_data_initiator_namespace_key_key UNIQUE (initiator, namespace, key);
ALTER TABLE ONLY public.driver_initiator_data
    ADD CONSTRAINT driver_initiator_data_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.encryption
    ADD CONSTRAINT encryption_pkey PRIMARY KEY (encryption_id);
ALTER TABLE ONLY public.group_snapshots
    ADD CONSTRAINT group_snapshots_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.group_type_projects
    ADD CONSTRAINT group_type_projects_group_type_id_project_id_deleted_key UNIQUE (group_type_id, project_id, deleted);
ALTER TABLE ONLY public.group_type_projects
    ADD CONSTRAINT group_type_projects_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.group_type_specs
    ADD CONSTRAINT group_type_specs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.group_types
    ADD CONSTRAINT group_types_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.group_volume_type_mapping
    ADD CONSTRAINT group_volume_type_mapping_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.groups
    ADD CONSTRAINT groups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.image_volume_cache_entries
    ADD CONSTRAINT image_volume_cache_entries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quality_of_service_specs
    ADD CONSTRAINT quality_of_service_specs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quota_classes
    ADD CONSTRAINT quota_classes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quota_usages
    ADD CONSTRAINT quota_usages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quota_usages
    ADD CONSTRAINT quota_usages_project_id_resource_race_preventer_key UNIQUE (project_id, resource, race_preventer);
ALTER TABLE ONLY public.quotas
    ADD CONSTRAINT quotas_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.snapshot_metadata
    ADD CONSTRAINT snapshot_metadata_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.volume_admin_metadata
    ADD CONSTRAINT volume_admin_metadata_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.volume_attachment
    ADD CONSTRAINT volume_attachment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.volume_glance_metadata
    ADD CONSTRAINT volume_glance_metadata_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.volume_metadata
    ADD CONSTRAINT volume_metadata_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.volume_type_extra_specs
    ADD CONSTRAINT volume_type_extra_specs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.volume_type_projects
    ADD CONSTRAINT volume_type_projects_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.volume_type_projects
    ADD CONSTRAINT volume_type_projects_volume_type_id_project_id_deleted_key UNIQUE (volume_type_id, project_id, deleted);
ALTER TABLE ONLY public.volume_types
    ADD CONSTRAINT volume_types_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_resource_type_resource_id_key UNIQUE (resource_type, resource_id);
CREATE INDEX backups_deleted_project_id_idx ON public.backups USING btree (deleted, project_id);
CREATE INDEX group_snapshots_deleted_project_id_idx ON public.group_snapshots USING btree (deleted, project_id);
CREATE INDEX groups_deleted_project_id_idx ON public.groups USING btree (deleted, project_id);
CREATE INDEX ix_attachment_specs_attachment_id ON public.attachment_specs USING btree (attachment_id);
CREATE INDEX ix_backup_metadata_backup_id ON public.backup_metadata USING btree (backup_id);
CREATE INDEX ix_cgsnapshots_consistencygroup_id ON public.cgsnapshots USING btree (consistencygroup_id);
CREATE INDEX ix_default_volume_types_volume_type_id ON public.default_volume_types USING btree (volume_type_id);
CREATE INDEX ix_driver_initiator_data_initiator ON public.driver_initiator_data USING btree (initiator);
CREATE INDEX ix_group_snapshots_group_id ON public.group_snapshots USING btree (group_id);
CREATE INDEX ix_group_type_specs_group_type_id ON public.group_type_specs USING btree (group_type_id);
CREATE INDEX ix_group_volume_type_mapping_group_id ON public.group_volume_type_mapping USING btree (group_id);
CREATE INDEX ix_group_volume_type_mapping_volume_type_id ON public.group_volume_type_mapping USING btree (volume_type_id);
CREATE INDEX ix_image_volume_cache_entries_host ON public.image_volume_cache_entries USING btree (host);
CREATE INDEX ix_image_volume_cache_entries_image_id ON public.image_volume_cache_entries USING btree (image_id);
CREATE INDEX ix_messages_expires_at ON public.messages USING btree (expires_at);
CREATE INDEX ix_quality_of_service_specs_specs_id ON public.quality_of_service_specs USING btree (specs_id);
CREATE INDEX ix_quota_classes_class_name ON public.quota_classes USING btree (class_name);
CREATE INDEX ix_quota_usages_project_id ON public.quota_usages USING btree (project_id);
CREATE INDEX ix_reservations_allocated_id ON public.reservations USING btree (allocated_id);
CREATE INDEX ix_reservations_project_id ON public.reservations USING btree (project_id);
CREATE INDEX ix_reservations_usage_id ON public.reservations USING btree (usage_id);
CREATE INDEX ix_snapshot_metadata_snapshot_id ON public.snapshot_metadata USING btree (snapshot_id);
CREATE INDEX ix_snapshots_cgsnapshot_id ON public.snapshots USING btree (cgsnapshot_id);
CREATE INDEX ix_snapshots_group_snapshot_id ON public.snapshots USING btree (group_snapshot_id);
CREATE INDEX ix_snapshots_volume_id ON public.snapshots USING btree (volume_id);
CREATE INDEX ix_transfers_volume_id ON public.transfers USING btree (volume_id);
CREATE INDEX ix_volume_admin_metadata_volume_id ON public.volume_admin_metadata USING btree (volume_id);
CREATE INDEX ix_volume_attachment_volume_id ON public.volume_attachment USING btree (volume_id);
CREATE INDEX ix_volume_glance_metadata_snapshot_id ON public.volume_glance_metadata USING btree (snapshot_id);
CREATE INDEX ix_volume_glance_metadata_volume_id ON public.volume_glance_metadata USING btree (volume_id);
CREATE INDEX ix_volume_metadata_volume_id ON public.volume_metadata USING btree (volume_id);
CREATE INDEX ix_volume_type_extra_specs_volume_type_id ON public.volume_type_extra_specs USING btree (volume_type_id);
CREATE INDEX ix_volume_types_qos_specs_id ON public.volume_types USING btree (qos_specs_id);
CREATE INDEX ix_volumes_consistencygroup_id ON public.volumes USING btree (consistencygroup_id);
CREATE INDEX ix_volumes_group_id ON public.volumes USING btree (group_id);
CREATE INDEX ix_workers_service_id ON public.workers USING btree (service_id);
CREATE INDEX quota_usage_project_resource_idx ON public.quota_usages USING btree (project_id, resource);
CREATE INDEX reservations_deleted_expire_idx ON public.reservations USING btree (deleted, expire);
CREATE INDEX reservations_deleted_uuid_idx ON public.reservations USING btree (deleted, uuid);
CREATE UNIQUE INDEX services_uuid_idx ON public.services USING btree (uuid);
CREATE INDEX snapshots_deleted_project_id_idx ON public.snapshots USING btree (deleted, project_id);
CREATE INDEX volumes_deleted_host_idx ON public.volumes USING btree (deleted, host);
CREATE INDEX volumes_deleted_project_id_idx ON public.volumes USING btree (deleted, project_id);
CREATE INDEX volumes_service_uuid_idx ON public.volumes USING btree (service_uuid, deleted);
ALTER TABLE ONLY public.attachment_specs
    ADD CONSTRAINT attachment_specs_attachment_id_fkey FOREIGN KEY (attachment_id) REFERENCES public.volume_attachment(id);
ALTER TABLE ONLY public.backup_metadata
    ADD CONSTRAINT backup_metadata_backup_id_fkey FOREIGN KEY (backup_id) REFERENCES public.backups(id);
ALTER TABLE ONLY public.cgsnapshots
    ADD CONSTRAINT cgsnapshots_consistencygroup_id_fkey FOREIGN KEY (consistencygroup_id) REFERENCES public.consistencygroups(id);
ALTER TABLE ONLY public.default_volume_types
    ADD CONSTRAINT default_volume_types_volume_type_id_fkey FOREIGN KEY (volume_type_id) REFERENCES public.volume_types(id);
ALTER TABLE ONLY public.group_snapshots
    ADD CONSTRAINT group_snapshots_group_id_fkey FOREIGN KEY (group_id) REFERENCES public.groups(id);
ALTER TABLE ONLY public.group_type_projects
    ADD CONSTRAINT group_type_projects_group_type_id_fkey FOREIGN KEY (group_type_id) REFERENCES public.group_types(id);
ALTER TABLE ONLY public.group_type_specs
    ADD CONSTRAINT group_type_specs_group_type_id_fkey FOREIGN KEY (group_type_id) REFERENCES public.group_types(id);
ALTER TABLE ONLY public.group_volume_type_mapping
    ADD CONSTRAINT group_volume_type_mapping_group_id_fkey FOREIGN KEY (group_id) REFERENCES public.groups(id);
ALTER TABLE ONLY public.group_volume_type_mapping
    ADD CONSTRAINT group_volume_type_mapping_volume_type_id_fkey FOREIGN KEY (volume_type_id) REFERENCES public.volume_types(id);
ALTER TABLE ONLY public.quality_of_service_specs
    ADD CONSTRAINT quality_of_service_specs_specs_id_fkey FOREIGN KEY (specs_id) REFERENCES public.quality_of_service_specs(id);
ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_allocated_id_fkey FOREIGN KEY (allocated_id) REFERENCES public.quotas(id);
ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_usage_id_fkey FOREIGN KEY (usage_id) REFERENCES public.quota_usages(id);
ALTER TABLE ONLY public.snapshot_metadata
    ADD CONSTRAINT snapshot_metadata_snapshot_id_fkey FOREIGN KEY (snapshot_id) REFERENCES public.snapshots(id);
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_cgsnapshot_id_fkey FOREIGN KEY (cgsnapshot_id) REFERENCES public.cgsnapshots(id);
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_group_snapshot_id_fkey FOREIGN KEY (group_snapshot_id) REFERENCES public.group_snapshots(id);
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_volume_id_fkey FOREIGN KEY (volume_id) REFERENCES public.volumes(id);
ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_volume_id_fkey FOREIGN KEY (volume_id) REFERENCES public.volumes(id);
ALTER TABLE ONLY public.volume_admin_metadata
    ADD CONSTRAINT volume_admin_metadata_volume_id_fkey FOREIGN KEY (volume_id) REFERENCES public.volumes(id);
ALTER TABLE ONLY public.volume_attachment
    ADD CONSTRAINT volume_attachment_volume_id_fkey FOREIGN KEY (volume_id) REFERENCES public.volumes(id);
ALTER TABLE ONLY public.volume_glance_metadata
    ADD CONSTRAINT volume_glance_metadata_snapshot_id_fkey FOREIGN KEY (snapshot_id) REFERENCES public.snapshots(id);
ALTER TABLE ONLY public.volume_glance_metadata
    ADD CONSTRAINT volume_glance_metadata_volume_id_fkey FOREIGN KEY (volume_id) REFERENCES public.volumes(id);
ALTER TABLE ONLY public.volume_metadata
    ADD CONSTRAINT volume_metadata_volume_id_fkey FOREIGN KEY (volume_id) REFERENCES public.volumes(id);
ALTER TABLE ONLY public.volume_type_extra_specs
    ADD CONSTRAINT volume_type_extra_specs_ibfk_1 FOREIGN KEY (volume_type_id) REFERENCES public.volume_types(id);
ALTER TABLE ONLY public.volume_type_projects
    ADD CONSTRAINT volume_type_projects_volume_type_id_fkey FOREIGN KEY (volume_type_id) REFERENCES public.volume_types(id);
ALTER TABLE ONLY public.volume_types
    ADD CONSTRAINT volume_types_qos_specs_id_fkey FOREIGN KEY (qos_specs_id) REFERENCES public.quality_of_service_specs(id);
ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_consistencygroup_id_fkey FOREIGN KEY (consistencygroup_id) REFERENCES public.consistencygroups(id);
ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_group_id_fkey FOREIGN KEY (group_id) REFERENCES public.groups(id);
ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_service_uuid_fkey FOREIGN KEY (service_uuid) REFERENCES public.services(uuid);
ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_service_id_fkey FOREIGN KEY (service_id) REFERENCES public.services(id);
